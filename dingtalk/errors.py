"""
What can go wrong while receiving, beyond what `dingtalk.protocol.errors` has.

::

    DingTalkError
    ├── ProtocolError
    │   ├── UnknownSuite       no suite has this callback path
    │   └── StaleEnvelope      signed right, but older or later than the suite allows
    └── CannotReceive          we are at fault: no acknowledgement, so that DingTalk sends it again
"""

from dingtalk.foundation.redaction import redact_text
from dingtalk.protocol.errors import ApiError, DingTalkError, ProtocolError
from dingtalk.protocol.fields import clean_text

_LONGEST_TEXT = 500


def text_to_keep(error: Exception) -> str:
    """
    Return what is stored of an error, with its secrets masked.

    Those of an ApiError are masked already; masking it again as a whole would take the code that follows an
    address such as /v1.0/oauth2/corpAccessToken for the token.
    """
    text = str(error) if isinstance(error, ApiError) else redact_text(str(error))
    return clean_text(f"{type(error).__name__}: {text}", _LONGEST_TEXT)


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
