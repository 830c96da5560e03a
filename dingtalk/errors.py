"""
What can go wrong while receiving, beyond what `dingtalk.protocol.errors` has.

::

    DingTalkError
    ├── ProtocolError
    │   └── UnknownSuite       no suite has this callback path
    └── CannotReceive          we are at fault: no acknowledgement, so that DingTalk sends it again
"""

from dingtalk.protocol.errors import DingTalkError, ProtocolError


class UnknownSuite(ProtocolError):
    """No suite has this callback path."""

    def __init__(self) -> None:
        super().__init__("no suite has this callback path")


class CannotReceive(DingTalkError):
    """What arrived may be right, but we cannot store it or read the suite's own credentials now."""
