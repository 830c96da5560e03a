"""Signing pages of tenant apps that use the JSAPI of the DingTalk client."""
