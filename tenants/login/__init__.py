"""Logging people in: inside DingTalk, in a browser, and from the admin console."""
