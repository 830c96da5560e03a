"""
Calls to DingTalk in the name of a suite: with its newest ticket, or its suite access token.

A call whose ticket is refused is made once more with the one before it, since a push may be under way; then
neither is shown to it again for a while. A suite access token that is refused is renewed once.
Source: push-suite-ticket-events.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

from dingtalk.client import IssuedToken, SuiteIdentity, dingtalk_client
from dingtalk.client.discipline import on_behalf_of
from dingtalk.models import CorpTokenMethod, Generation, Suite, SuiteKind
from dingtalk.protocol.errors import CredentialRejected, TicketRejected
from dingtalk.tickets import current_tickets
from tenants import refused_tickets
from tenants.errors import TicketMissing, TicketsRefused
from tenants.models import TokenKind
from tenants.suite_secrets import with_secret
from tenants.token_fallback import Way, obtain_by_first
from tenants.token_slots import Obtained, obtain_token, slot_of

AnswerT = TypeVar("AnswerT")

# A suite access token is asked for by workers only, which can wait for one another.
WAIT_SECONDS = 15.0
MIN_TTL_SECONDS = 60
# Names of calls that show a ticket, beside those of the ways to a token.
AUTH_INFO = "auth_info"
# A customised app is pushed no ticket: it signs with any text, and only has to send the same one.
# Source: the-signature-calculation-method-of-the-third-party-access-interface
CUSTOM_APP_TICKET = "custom"

# The suite's choice comes first, the others in this order. The unified call comes last: it needs no ticket,
# and would hide that one is missing.
CORP_TOKEN_METHODS = (CorpTokenMethod.V1, CorpTokenMethod.SIGNED, CorpTokenMethod.UNIFIED)


class _Ticket(NamedTuple):
    """`id`: of its row; of the suite, where it is no pushed one."""

    id: UUID
    text: str


def with_ticket(suite: Suite, call: Callable[[SuiteIdentity], AnswerT], *, name: str) -> AnswerT:
    """
    Make a call that identifies us by suite and ticket; `name` tells it from others that do.

    Raises TicketMissing, TicketsRefused when it has refused all of them lately, TicketRejected.
    """
    tickets = _tickets(suite)
    return with_secret(suite, lambda secret: _by_ticket_that_counts(suite, secret, tickets, call, name))


def _by_ticket_that_counts(
    suite: Suite, secret: str, tickets: list[_Ticket], call: Callable[[SuiteIdentity], AnswerT], name: str
) -> AnswerT:
    refusal: TicketRejected | None = None
    for ticket in tickets:
        if refused_tickets.is_refused(ticket.id, name):
            continue
        try:
            return call(
                SuiteIdentity(suite_key=suite.suite_key, suite_secret=secret, suite_ticket=ticket.text)
            )
        except TicketRejected as error:
            refused_tickets.note(ticket.id, name)
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    raise (TicketsRefused if tickets else TicketMissing)(suite_key=suite.suite_key)


def _tickets(suite: Suite) -> list[_Ticket]:
    tickets = [_Ticket(each.pk, each.ticket) for each in current_tickets(suite)]
    if not tickets and suite.kind == SuiteKind.CUSTOM_APP:
        return [_Ticket(suite.pk, CUSTOM_APP_TICKET)]
    return tickets


def with_suite_token(suite: Suite, call: Callable[[str], AnswerT]) -> AnswerT:
    """Make a call with the suite access token, renewed once when DingTalk refuses it."""
    token = suite_access_token(suite)
    try:
        return _call_for(suite, call, token)
    except CredentialRejected:
        return _call_for(suite, call, suite_access_token(suite, refused=token))


def _call_for(suite: Suite, call: Callable[[str], AnswerT], token: str) -> AnswerT:
    with on_behalf_of(suite_key=suite.suite_key):
        return call(token)


def suite_access_token(suite: Suite, *, refused: str | None = None) -> str:
    """Return the suite's own token; raises TicketMissing, DingTalkError, TokenUnavailable."""
    current = obtain_token(
        slot_of(suite=suite, kind=TokenKind.SUITE),
        lambda: obtain_by_first(_ways_to_suite_token(suite)),
        min_ttl_seconds=MIN_TTL_SECONDS,
        wait_seconds=WAIT_SECONDS,
        refused=refused,
    )
    return current.value


def request_corp_token(suite: Suite, corp_id: str) -> Obtained:
    """
    Ask for a corp access token by the suite's first choice, and by the other calls if the ticket is refused.

    Also if there is no ticket: the unified call needs none. The reason for leaving the first choice is in
    the answer. Raises TicketMissing, DingTalkError.
    """
    methods = sorted(CORP_TOKEN_METHODS, key=lambda method: method != suite.corp_token_method)
    return obtain_by_first(
        [Way(method, partial(_corp_token_by, method, suite, corp_id)) for method in methods]
    )


def _ways_to_suite_token(suite: Suite) -> list[Way]:
    client = dingtalk_client()
    calls = {
        Generation.OLD: client.get_suite_access_token,
        Generation.V1: client.create_suite_access_token,
    }
    generations = sorted(calls, key=lambda generation: generation != suite.suite_token_method)
    return [
        Way(
            f"suite_{generation}",
            partial(with_ticket, suite, calls[generation], name=f"suite_{generation}"),
        )
        for generation in generations
    ]


def _corp_token_by(method: CorpTokenMethod, suite: Suite, corp_id: str) -> IssuedToken:
    client = dingtalk_client()
    if method == CorpTokenMethod.UNIFIED:
        return with_secret(
            suite,
            lambda secret: client.get_unified_token(
                client_id=suite.suite_key, client_secret=secret, corp_id=corp_id
            ),
        )
    ask = client.get_corp_access_token if method == CorpTokenMethod.V1 else client.get_corp_token
    return with_ticket(suite, lambda identity: ask(identity, corp_id=corp_id), name=method)
