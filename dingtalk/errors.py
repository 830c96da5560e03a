"""
What can go wrong while receiving, beyond what `dingtalk.protocol.errors` has.

::

    DingTalkError
    ├── ProtocolError
    │   ├── UnknownSuite       no suite has this callback path
    │   └── StaleEnvelope      signed right, but older or later than the suite allows
    └── CannotReceive          we are at fault: no acknowledgement, so that DingTalk sends it again
"""

from dingtalk.protocol.errors import DingTalkError, ProtocolError


class UnknownSuite(ProtocolError):
    """No suite has this callback path."""

    def __init__(self) -> None:
        super().__init__("no suite has this callback path")


class StaleEnvelope(ProtocolError):
    """The envelope is signed right, but its timestamp is outside the suite's freshness window."""

    def __init__(self) -> None:
        super().__init__("the timestamp is outside the freshness window")


class CannotReceive(DingTalkError):
    """What arrived may be right, but we cannot store it or read the suite's own credentials now."""
