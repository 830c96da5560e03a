"""
DingTalk's side of the conversation, for development and tests only.

An HTTP program that answers the server API as strictly as the platform does and pushes tickets and events
as the platform does. It signs and encrypts with its own code and imports nothing from the product: two
implementations that agree are a test, one that agrees with itself is not. Start it with `manage.py
simulator`, or inside a test with `dingtalk.simulator.server.RunningSimulator`. Described in
`docs/simulator.md`.
"""
