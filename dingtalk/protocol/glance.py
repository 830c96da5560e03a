"""
What receiving needs to know of a decrypted message, read without reading all of it.

A push of a hundred rows is parsed where its events are made, not while DingTalk waits. The usual SyncHTTP
push is told by its first and last bytes; whatever could be more than that is read in full.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dingtalk.protocol.events import URL_CHECKS, PushedTicket, read_push

CHANNELS = frozenset({"SYNC_HTTP_PUSH_HIGH", "SYNC_HTTP_PUSH_MEDIUM"})

_TYPE = rb'"EventType"\s*:\s*"(%b)"' % "|".join(sorted(CHANNELS)).encode()
_ROWS = rb'"bizData"\s*:\s*\['
_TYPE_FIRST = re.compile(rb"\s*\{\s*" + _TYPE + rb"\s*,\s*" + _ROWS)
_ROWS_FIRST = re.compile(rb"\s*\{\s*" + _ROWS)
_END = re.compile(rb"\]\s*\}\s*\Z")
_END_WITH_TYPE = re.compile(rb"\]\s*,\s*" + _TYPE + rb"\s*\}\s*\Z")
_LONGEST_END = 128


@dataclass(frozen=True, slots=True)
class Glance:
    """
    What is done with a message before it is acknowledged.

    `suite_key`: the one that a legacy event names, None without one. `tickets`: to be stored at once.
    """

    event_type: str
    suite_key: str | None = None
    tickets: Sequence[PushedTicket] = field(default=(), repr=False)

    @property
    def is_url_check(self) -> bool:
        """Whether DingTalk only tests the callback URL: acknowledge, store nothing."""
        return self.event_type in URL_CHECKS


def glance(message: bytes) -> Glance:
    """
    Look at a decrypted message; raises MalformedEvent for what can be seen to be no push.

    The rows of a SyncHTTP push are not looked at: a broken one is found when its events are made.
    """
    if event_type := _type_of_plain_rows(message):
        return Glance(event_type)
    push = read_push(message)
    return Glance(push.event_type, suite_key=push.suite_key, tickets=push.tickets())


def _type_of_plain_rows(message: bytes) -> str | None:
    """Return the event type of a SyncHTTP push that has nothing but rows, and no ticket among them."""
    if _has_more_than_rows(message):
        return None
    end = message[-_LONGEST_END:]
    if (start := _TYPE_FIRST.match(message)) and _END.search(end):
        return start[1].decode()
    if _ROWS_FIRST.match(message) and (named := _END_WITH_TYPE.search(end)):
        return named[1].decode()
    return None


def _has_more_than_rows(message: bytes) -> bool:
    """Whether there may be a ticket, the name of a suite, another event type, or an escape that hides one."""
    return (
        b"uiteTicket" in message
        or b'uiteKey"' in message
        or b"\\u00" in message
        or b'"eventType"' in message
        or message.count(b'"EventType"') != 1
    )
