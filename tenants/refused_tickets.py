"""
Which suite tickets DingTalk refused a moment ago, and in which call, as far as this process knows.

A refused ticket stays refused until another one is pushed. To show it again for each company that wants
something would be a call in vain for each; so it is shown once a minute at most.
"""

import time
from uuid import UUID

from dingtalk.client.discipline.expiring import Expiring

REFUSED_SECONDS = 60.0

_refused: Expiring[bool] = Expiring()


def note(ticket_id: UUID, call: str) -> None:
    """Remember that a call has just refused a ticket."""
    now = time.monotonic()
    _refused.put(_name(ticket_id, call), True, until=now + REFUSED_SECONDS, now=now)


def is_refused(ticket_id: UUID, call: str) -> bool:
    """Tell whether a call refused a ticket a moment ago."""
    return _refused.get(_name(ticket_id, call), now=time.monotonic()) is not None


def _name(ticket_id: UUID, call: str) -> str:
    return f"{ticket_id} {call}"
