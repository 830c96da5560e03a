"""Calls that tenant apps make at DingTalk through the portal, which adds the token and never shows it."""
