"""What a suite key, a corp id or a permanent code can look like; DingTalk promises no more than text."""

import re

MAX_SUITE_KEY_LENGTH = 128
MAX_CORP_ID_LENGTH = 64
MAX_PERMANENT_CODE_LENGTH = 256

# Printable ASCII without spaces: what may stand in a log line and a terminal.
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
# Without the slash: one segment of a URL.
_SEGMENT = re.compile(r"[!-.0-~]+", re.ASCII)
# Also without the percent sign, which Django leaves in place of bytes of a URL that are no text.
_CORP_ID = re.compile(r"[!-$&-.0-~]+", re.ASCII)


def is_suite_key(text: str) -> bool:
    """Tell whether a text can be a suite key: 1 to 128 visible ASCII characters, no slash."""
    return len(text) <= MAX_SUITE_KEY_LENGTH and _SEGMENT.fullmatch(text) is not None


def is_corp_id(text: str) -> bool:
    """Tell whether a text can be a corp id: 1 to 64 visible ASCII characters, no slash, no percent sign."""
    return len(text) <= MAX_CORP_ID_LENGTH and _CORP_ID.fullmatch(text) is not None


def is_permanent_code(text: str) -> bool:
    """Tell whether a text can be a permanent code: 1 to 256 visible ASCII characters."""
    return len(text) <= MAX_PERMANENT_CODE_LENGTH and _VISIBLE.fullmatch(text) is not None
