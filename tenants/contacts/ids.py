"""What an id of the address book can look like, so that DingTalk is asked for nothing that is none."""

import re

from dingtalk.protocol.fields import MAX_INT64

# What companies and DingTalk itself make userids and union ids of.
_WORD = re.compile(r"[A-Za-z0-9_.@:$+=\-]{1,64}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_CURSOR = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def is_user_id(text: str) -> bool:
    """Tell whether a text can be a userid or a union id: 1 to 64 letters, digits, and `_.@:$+=-`."""
    return _WORD.fullmatch(text) is not None


def is_number_id(text: str) -> bool:
    """Tell whether a text can be the id of a department or a role: a positive number."""
    return _NUMBER.fullmatch(text) is not None and int(text) <= MAX_INT64


def read_cursor(text: str) -> int | None:
    """Return where a page begins, from a cursor of ours; None for what is none."""
    return int(text) if _CURSOR.fullmatch(text) else None
