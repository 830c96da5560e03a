"""
A tenant app asks for a company that we do not know: its authorisation may never have been pushed to us.

DingTalk is asked, but not by each request: a "no" is remembered for a minute, one company is asked for by one
caller at a time, one tenant app may ask so often a minute, and few threads of a process wait for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from dingtalk.models import Suite
from dingtalk.protocol.errors import DingTalkError
from tenants import limits
from tenants.discovery import discover_tenant
from tenants.errors import TenantNotFound, TicketMissing, TokenUnavailable
from tenants.models import ApiClient
from tenants.queries import find_fully_covered_suite
from tenants.tokens import token_unavailable
from tenants.waiting_room import WaitingRoom, place_to_wait

REMEMBER_NO_SECONDS = 60
# Longer than one question can take: two tickets, each with its time-outs.
ASKING_SECONDS = 30
QUESTIONS_PER_MINUTE = 30

# Of all places to wait for DingTalk no more than these, so that made-up companies leave some for others.
QUESTIONS_AT_ONCE = WaitingRoom(seats=lambda: 2)


def look_for_company(client: ApiClient, *, suite_key: str, corp_id: str) -> None:
    """
    Ask DingTalk for a company that is no tenant of ours; afterwards it is one.

    Only where the app may see every company of the suite. Raises TenantNotFound, also when DingTalk does not
    know the company, and TokenUnavailable when DingTalk could not be asked.
    """
    suite = find_fully_covered_suite(client, suite_key=suite_key)
    name = limits.name_of(suite_key, corp_id)
    if suite is None or limits.is_claimed(f"no-company:{name}"):
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    _refuse_too_many(client)
    with _only_one_asks(name), QUESTIONS_AT_ONCE.place(), place_to_wait():
        is_found = _ask(suite, corp_id)
    if not is_found:
        limits.claim(f"no-company:{name}", seconds=REMEMBER_NO_SECONDS)
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)


def _ask(suite: Suite, corp_id: str) -> bool:
    try:
        return discover_tenant(suite=suite, corp_id=corp_id) is not None
    except (DingTalkError, TicketMissing) as error:
        raise token_unavailable(error) from error


def _refuse_too_many(client: ApiClient) -> None:
    asked = limits.count(f"questions:{client.pk}", window_seconds=60)
    if asked.hits > QUESTIONS_PER_MINUTE:
        raise TokenUnavailable(
            "Too many unknown companies were asked for.", retry_after_seconds=asked.seconds_left
        )


@contextmanager
def _only_one_asks(name: str) -> Iterator[None]:
    if not limits.claim(f"asking:{name}", seconds=ASKING_SECONDS):
        raise TokenUnavailable("DingTalk is being asked for this company.", retry_after_seconds=1)
    try:
        yield
    finally:
        limits.release(f"asking:{name}")
