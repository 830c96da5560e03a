"""
Bringing one tenant from what is to what is wanted.

`reconcile_tenant` may run at any time, any number of times, on any machine. A lease keeps runs apart;
the generation makes a run that was overtaken discard its result. What stops a run is recorded in the
row: for what it waits, and when it is looked at again.
"""

import logging
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from dingtalk.client.discipline import with_patience
from dingtalk.foundation.leases import Claim, holds_lease, release_lease
from dingtalk.protocol.actions import Action
from dingtalk.protocol.error_table import find_error
from dingtalk.protocol.errors import (
    ApiError,
    AuthorizationGone,
    CredentialRejected,
    DingTalkError,
    HeldBack,
    RateLimited,
    TenantInactive,
    TicketRejected,
    Transient,
    TransportError,
)
from dingtalk.tickets import newest_ticket_id
from tenants import code_exchange
from tenants.errors import TenantError, TicketMissing, TokenUnavailable
from tenants.models import CONVERGED_STATES, Tenant, TenantState, WaitingFor
from tenants.runs import LEASE_SECONDS, Run
from tenants.steps import Parked, Step, asks_dingtalk, confirm_grant, next_step
from tenants.transitions import Overtaken, change_state

logger = logging.getLogger(__name__)

MAX_STEPS = 16
MAX_ATTEMPTS = 12
ATTEMPTS_AT_UNKNOWN_CODE = 3
LONGEST_PAUSE = timedelta(minutes=15)
TICKET_SAFETY_LOOK = timedelta(minutes=30)
SHORTEST_PAUSE_AFTER_BREAK = 10.0
HOPELESS_PAUSE = timedelta(hours=1)

_claim = Claim(Tenant.objects.all, seconds=LEASE_SECONDS)


@with_patience()
def reconcile_tenant(tenant_id: UUID) -> None:
    """Take the tenant's next steps until nothing is left to do, or something has to be waited for."""
    epoch = _claim(tenant_id)
    if epoch is None:
        return
    is_over = False
    try:
        is_over = _take_steps(tenant_id, epoch)
    except Exception as error:
        logger.exception("reconcile_broke_off", extra={"tenant_id": str(tenant_id)})
        _record_break(tenant_id, epoch, error)
    finally:
        if not is_over:
            release_lease(Tenant.objects.all(), tenant_id, epoch)


def _take_steps(tenant_id: UUID, epoch: int) -> bool:
    """Take one step after the other; return whether the run came to an end, with its lease given back."""
    run = Run.begin(tenant_id, epoch)
    if run is not None and run.has_unsettled_codes:
        _settle_abandoned(run)
    for _step in range(MAX_STEPS):
        if run is None or _is_finished(run):
            return True
        if run.is_outdated:
            run = run.read_again()
    return False


def _settle_abandoned(run: Run) -> None:
    if code_exchange.settle_abandoned_exchanges(run.tenant, now=timezone.now()):
        logger.warning("code_exchange_answer_lost", extra={"tenant_id": str(run.tenant.pk)})


def _is_finished(run: Run) -> bool:
    """Take one step; True when the run is over."""
    step = next_step(run)
    if step is None:
        return run.settle(**_converged())
    try:
        if asks_dingtalk(step):
            run.look_before_asking()
        step(run)
    except Overtaken:
        run.is_outdated = True  # look again, unless the lease is gone too
        return False
    except Parked as parked:
        return run.settle(**_waiting(parked.waiting_for, timezone.now() + parked.look_again_after))
    except TicketMissing as error:
        return _park_for_ticket(run, error)
    except (DingTalkError, TokenUnavailable) as error:
        return _record_failure(run, error)
    _forgive_attempts(run, step)
    return False


def _forgive_attempts(run: Run, step: Step) -> None:
    """
    Let the attempts at a step that is done not count against the next.

    A confirmed grant is no step ahead: a step that fails may ask for it each time.
    """
    if run.tenant.attempts and step is not confirm_grant:
        Tenant.objects.filter(run.is_current, pk=run.tenant.pk).update(attempts=0)
        run.tenant.attempts = 0


def _converged() -> dict[str, Any]:
    return {
        "next_reconcile_at": None,
        "waiting_for": WaitingFor.NOTHING,
        "attempts": 0,
        "last_error": "",
        "last_error_code": "",
    }


def _waiting(waiting_for: WaitingFor, look_again_at: datetime) -> dict[str, Any]:
    return {"waiting_for": waiting_for, "next_reconcile_at": look_again_at}


def _needs_ticket(error: DingTalkError | TokenUnavailable) -> bool:
    """Whether only a new ticket helps. The refusal may have met another run, and a token's row kept it."""
    if isinstance(error, TokenUnavailable):
        return bool(error.code) and find_error(error.code, 400).action == Action.REFRESH_TICKET
    return isinstance(error, TicketRejected)


def _park_for_ticket(run: Run, error: DingTalkError | TenantError) -> bool:
    """
    Wait until a ticket is pushed; by ourselves we look again rarely.

    One that came between the step and this wait has woken nobody, so there is a second look.
    """
    now = timezone.now()
    columns = _waiting(WaitingFor.SUITE_TICKET, now + TICKET_SAFETY_LOOK)
    parked = run.settle(**columns, **_described(error))
    if parked and newest_ticket_id(run.tenant.suite_id) != run.ticket_id:
        waiting = Tenant.objects.filter(waiting_for=WaitingFor.SUITE_TICKET, pk=run.tenant.pk)
        waiting.update(next_reconcile_at=now)
    return parked


def _record_failure(run: Run, error: DingTalkError | TokenUnavailable) -> bool:
    if _needs_ticket(error):
        return _park_for_ticket(run, error)
    now = timezone.now()
    if isinstance(error, HeldBack):  # not sent, so not an attempt
        return run.settle(**_described(error), **_waiting(WaitingFor.RETRY, now + _pause(1, error)))
    attempts = run.tenant.attempts + 1
    columns: dict[str, Any] = {**_described(error), "attempts": attempts}
    if isinstance(error, AuthorizationGone):
        columns["grant_unconfirmed"] = True  # only get_auth_info's answer relieves a tenant
    if isinstance(error, TenantInactive):
        return run.settle(**columns, **_waiting(WaitingFor.RETRY, now + HOPELESS_PAUSE))
    if attempts < _attempts_allowed(error):
        return run.settle(**columns, **_waiting(WaitingFor.RETRY, now + _pause(attempts, error)))
    return _give_up(run, columns, now=now)


def _attempts_allowed(error: DingTalkError | TokenUnavailable) -> int:
    """Return how often to try before an operator is needed: not at all where trying again cannot help."""
    passing = (
        TransportError,
        Transient,
        RateLimited,
        CredentialRejected,
        AuthorizationGone,
        TokenUnavailable,
    )
    if isinstance(error, passing):
        return MAX_ATTEMPTS
    if isinstance(error, ApiError) and error.action == Action.UNKNOWN:
        return ATTEMPTS_AT_UNKNOWN_CODE
    return 0


def _pause(attempts: int, error: DingTalkError | TokenUnavailable) -> timedelta:
    """Never below what DingTalk asked for."""
    asked_for = error.retry_after_seconds if isinstance(error, RateLimited | TokenUnavailable) else 0
    return _grown_pause(attempts, at_least=asked_for)


def _grown_pause(attempts: int, *, at_least: float) -> timedelta:
    """Grow from a second to 15 minutes with full jitter; `at_least` in seconds."""
    ceiling = min(LONGEST_PAUSE.total_seconds(), 2.0 ** min(attempts, 16))
    jittered = random.uniform(0.5, ceiling)  # noqa: S311 — spreads load, guards nothing
    return timedelta(seconds=max(jittered, at_least))


def _give_up(run: Run, columns: dict[str, Any], *, now: datetime) -> bool:
    """Wait for an operator. A tenant that is active stays so; it is looked at once an hour all the same."""
    columns |= _waiting(WaitingFor.OPERATOR, now + HOPELESS_PAUSE)
    if run.tenant.state in CONVERGED_STATES:
        return run.settle(**columns)
    try:
        change_state(
            run.tenant,
            TenantState.FAILED,
            reason=columns["last_error"][:300],
            now=now,
            unless_overtaken=run.is_undisturbed,
            dispatched_at=None,
            lease_until=None,
            **columns,
        )
    except Overtaken:
        run.is_outdated = True
        return False
    return True


def _record_break(tenant_id: UUID, epoch: int, error: Exception) -> None:
    """Pause after an error that no step should raise; its text is not kept, for anything may be in it."""
    held = Tenant.objects.filter(holds_lease(epoch), pk=tenant_id)
    attempts = 1 + (held.values_list("attempts", flat=True).first() or 0)
    pause = _grown_pause(attempts, at_least=SHORTEST_PAUSE_AFTER_BREAK)
    held.update(
        **_waiting(WaitingFor.RETRY, timezone.now() + pause),
        attempts=attempts,
        dispatched_at=None,
        last_error=f"unexpected {type(error).__name__}",
        last_error_code="",
    )


def _described(error: Exception) -> dict[str, Any]:
    code = error.code if isinstance(error, ApiError | TokenUnavailable) else ""
    return {"last_error": str(error)[:500], "last_error_code": code[:100]}
