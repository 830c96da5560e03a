"""
Calls to DingTalk in the name of a suite: with its newest ticket, or its suite access token.

A ticket that is refused is tried once more with the one before it, since a push may be under way;
a suite access token that is refused is renewed once. Source: push-suite-ticket-events.
"""

from collections.abc import Callable
from typing import TypeVar

from dingtalk.client import SuiteIdentity, dingtalk_client
from dingtalk.models import CorpTokenMethod, Suite
from dingtalk.protocol.errors import CredentialRejected, TicketRejected
from dingtalk.tickets import current_tickets
from tenants.errors import TicketMissing
from tenants.models import TokenKind
from tenants.token_slots import Obtained, obtain_token, slot_of

AnswerT = TypeVar("AnswerT")

# A suite access token is asked for by workers only, which can wait for one another.
WAIT_SECONDS = 15.0
MIN_TTL_SECONDS = 60


def with_ticket(suite: Suite, call: Callable[[SuiteIdentity], AnswerT]) -> AnswerT:
    """Make a call that identifies us by suite and ticket; raises TicketMissing, TicketRejected."""
    refusal: TicketRejected | None = None
    for ticket in current_tickets(suite):
        try:
            return call(
                SuiteIdentity(
                    suite_key=suite.suite_key, suite_secret=suite.suite_secret, suite_ticket=ticket.ticket
                )
            )
        except TicketRejected as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    raise TicketMissing(suite_key=suite.suite_key)


def with_suite_token(suite: Suite, call: Callable[[str], AnswerT]) -> AnswerT:
    """Make a call with the suite access token, renewed once when DingTalk refuses it."""
    token = suite_access_token(suite)
    try:
        return call(token)
    except CredentialRejected:
        return call(suite_access_token(suite, refused=token))


def suite_access_token(suite: Suite, *, refused: str | None = None) -> str:
    """Return the suite's own token; raises TicketMissing, DingTalkError, TokenUnavailable."""

    def obtain() -> Obtained:
        return Obtained(with_ticket(suite, dingtalk_client().get_suite_access_token), method="suite_ticket")

    slot = slot_of(suite=suite, kind=TokenKind.SUITE)
    current = obtain_token(
        slot, obtain, min_ttl_seconds=MIN_TTL_SECONDS, wait_seconds=WAIT_SECONDS, refused=refused
    )
    return current.value


def request_corp_token(suite: Suite, corp_id: str) -> Obtained:
    """
    Ask for a corp access token by the suite's first choice, and by the other call if the ticket is refused.

    Raises TicketMissing, DingTalkError. The reason for the second call is in the answer.
    """
    first, second = _methods(suite)
    try:
        return _request_by(first, suite, corp_id)
    except TicketRejected as refusal:
        obtained = _request_by(second, suite, corp_id)
        return Obtained(obtained.issued, method=second, fallback_reason=str(refusal))


def _methods(suite: Suite) -> tuple[CorpTokenMethod, CorpTokenMethod]:
    if suite.corp_token_method == CorpTokenMethod.SIGNED:
        return CorpTokenMethod.SIGNED, CorpTokenMethod.V1
    return CorpTokenMethod.V1, CorpTokenMethod.SIGNED


def _request_by(method: CorpTokenMethod, suite: Suite, corp_id: str) -> Obtained:
    client = dingtalk_client()
    ask = client.get_corp_access_token if method == CorpTokenMethod.V1 else client.get_corp_token
    return Obtained(with_ticket(suite, lambda identity: ask(identity, corp_id=corp_id)), method=method)
