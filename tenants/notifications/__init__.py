"""
Work notifications for tenant apps: sent once per idempotency key, logged, and followed.

DingTalk drops in silence what exceeds a limit per person; here that is said before it is sent.
"""
