"""
Fetching failed pushes: for whom and when, and doing it.

It takes a company's token, and asking for all companies would eat the budget of calls. So: after an outage
of ours the companies that were active lately, several times, since an event shows up in the list only some
minutes after it was given up; and now and then the few that are active. Stream and RDS have no such list.
Source: open.dingtalk.com, "obtain-the-event-list-of-failed-push-messages"
"""

import logging
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.client.callbacks import FailedPushes
from dingtalk.errors import text_to_keep
from dingtalk.failed_pushes import Fetched, fetch_failed_pushes
from dingtalk.foundation.ids import first_id_of
from dingtalk.foundation.leases import claim_lease, extend_lease, holds_lease
from dingtalk.models import Outage, PushMode, ReceivedEvent, Suite
from dingtalk.protocol.errors import DingTalkError
from tenants.errors import TenantError, TenantNotActive
from tenants.models import AccessToken, AuthCorp, FailedPushFetch, Tenant, TenantState, TokenKind
from tenants.tokens import with_corp_access_token
from tenants.transitions import Overtaken

# DingTalk says "within 3 to 5 minutes" after an event was given up.
ROUNDS_AFTER_OUTAGE = 3
ROUND_PAUSE = timedelta(minutes=3)
TENANTS_PER_OUTAGE = 2_000
TENANTS_PER_MINUTE = 300
ACTIVE_BEFORE_OUTAGE = timedelta(days=7)

TENANTS_PER_SWEEP = 300
EVENTS_LOOKED_AT = 200
ACTIVE_LATELY = timedelta(hours=6)
FETCH_AGAIN_AFTER = timedelta(hours=6)
SWEEP_SPREAD = timedelta(minutes=9)

# Longer than one page takes, with the token it may need; extended before each call.
LEASE_SECONDS = 90.0

_WITH_LIST = (PushMode.HTTP, PushMode.SYNC_HTTP)
_random = SystemRandom()
logger = logging.getLogger(__name__)


class AlreadyFetching(Exception):
    """Another process is fetching this company's failed pushes."""


def follow_up_outages(*, now: datetime) -> int:
    """Have failed pushes fetched after outages that nobody has followed up; returns for how many tenants."""
    waiting = list(Outage.objects.filter(followed_up_at=None))
    if not waiting:
        return 0
    since = min(outage.began_at for outage in waiting) - ACTIVE_BEFORE_OUTAGE
    tenants = list(_active_tenants(since=since).order_by("-activated_at")[:TENANTS_PER_OUTAGE])
    spread = timedelta(minutes=max(1.0, len(tenants) / TENANTS_PER_MINUTE))
    _want(tenants, first=now + ROUND_PAUSE, spread=spread, rounds=ROUNDS_AFTER_OUTAGE)
    Outage.objects.filter(pk__in=[outage.pk for outage in waiting]).update(followed_up_at=now)
    logger.warning("failed_pushes_wanted", extra={"outages": len(waiting), "tenants": len(tenants)})
    return len(tenants)


def ask_for_active_tenants(*, now: datetime) -> int:
    """Have the failed pushes of tenants fetched that are active and were not asked for lately; how many."""
    since = now - ACTIVE_LATELY
    chosen = _with_used_token(since=since, now=now)
    chosen += _with_new_event(since=since, now=now, besides=chosen)
    _want(chosen, first=now, spread=SWEEP_SPREAD, rounds=1)
    return len(chosen)


def due_fetches() -> QuerySet[FailedPushFetch]:
    """Return what is due, for the dispatcher."""
    return FailedPushFetch.objects.filter(wanted_at__lte=timezone.now()).order_by("wanted_at")


def fetch_wanted(fetch_id: UUID) -> None:
    """Fetch a tenant's failed pushes if they are due; what fails is in the row and counts as a round."""
    row = due_fetches().select_related("tenant__suite", "tenant__corp").filter(pk=fetch_id).first()
    if row is None:
        return
    try:
        _fetch(row)
    except AlreadyFetching:
        return
    except (DingTalkError, TenantError, Overtaken) as error:
        extra = {"suite_key": row.tenant.suite.suite_key, "corp_id": row.tenant.corp.corp_id}
        logger.warning("failed_pushes_not_fetched", extra={**extra, "error": type(error).__name__})


def fetch_now(tenant: Tenant) -> Fetched:
    """
    Fetch a tenant's failed pushes while an operator waits.

    Raises AlreadyFetching, TenantNotActive, and the errors of the call.
    """
    row, _ = FailedPushFetch.objects.get_or_create(tenant=tenant)
    return _fetch(row)


def _fetch(row: FailedPushFetch) -> Fetched:
    rows = FailedPushFetch.objects.all()
    epoch = claim_lease(rows, row.pk, seconds=LEASE_SECONDS)
    if epoch is None:
        raise AlreadyFetching
    tenant, now = row.tenant, timezone.now()

    def ask() -> FailedPushes:
        if not extend_lease(rows, row.pk, epoch, seconds=LEASE_SECONDS):
            raise AlreadyFetching
        return _ask_as(tenant)

    try:
        fetched = fetch_failed_pushes(suite=tenant.suite, corp_id=tenant.corp.corp_id, ask=ask)
    except Exception as error:
        _finish(row, epoch, now=now, last_error=text_to_keep(error))
        raise
    _finish(row, epoch, now=now, has_more=fetched.has_more, found=F("found") + fetched.new, last_error="")
    if fetched.entries:
        extra = {"suite_key": tenant.suite.suite_key, "corp_id": tenant.corp.corp_id}
        logger.info("failed_pushes_fetched", extra={**extra, "entries": fetched.entries, "new": fetched.new})
    return fetched


def _ask_as(tenant: Tenant) -> FailedPushes:
    """Make one call in the tenant's name, while it is active."""
    tenant.refresh_from_db(fields=["state"])
    if not tenant.is_active:
        raise TenantNotActive(
            suite_key=tenant.suite.suite_key, corp_id=tenant.corp.corp_id, state=tenant.state
        )
    return with_corp_access_token(
        tenant, lambda token: dingtalk_client().get_call_back_failed_result(corp_access_token=token)
    )


def _finish(
    row: FailedPushFetch, epoch: int, *, now: datetime, has_more: bool = False, **changes: Any
) -> None:
    """Give the row back, with the time of its next round: at once when there is more."""
    rounds_left = row.rounds_left if has_more else max(row.rounds_left - 1, 0)
    wanted_at = now if has_more else now + ROUND_PAUSE if rounds_left else None
    held = FailedPushFetch.objects.filter(holds_lease(epoch), pk=row.pk)
    # What was wanted anew meanwhile stays wanted.
    held.filter(wanted_at=row.wanted_at).update(wanted_at=wanted_at, rounds_left=rounds_left)
    held.update(tried_at=now, lease_until=None, dispatched_at=None, **changes)


def _with_used_token(*, since: datetime, now: datetime) -> list[Tenant]:
    """
    Return tenants to ask for whose token was used since then.

    Found by what is new: to look at each tenant whether it has something new takes seconds at a million. So
    tenants are loaded after the tokens; the few that are not active fall out then.
    """
    used = AccessToken.objects.filter(
        kind=TokenKind.CORP,
        token__isnull=False,
        refresh_at__gte=since,
        last_used_at__gte=since,
        suite__in=list(Suite.objects.filter(push_mode__in=_WITH_LIST)),
    )
    unasked = used.filter(~Exists(_asked_lately("tenant", now=now))).order_by("refresh_at")
    ids = list(unasked.values_list("tenant", flat=True)[: 2 * TENANTS_PER_SWEEP])
    return list(Tenant.objects.filter(pk__in=ids, state=TenantState.ACTIVE)[:TENANTS_PER_SWEEP])


def _with_new_event(*, since: datetime, now: datetime, besides: list[Tenant]) -> list[Tenant]:
    """Return tenants to ask for that are in the newest events, if these are not older."""
    events = ReceivedEvent.objects.filter(pk__gte=first_id_of(since), received_at__gte=since).order_by("-pk")
    newest = set(events.values_list("suite", "corp_id")[:EVENTS_LOOKED_AT])
    companies = AuthCorp.objects.filter(corp_id__in={corp_id for _suite, corp_id in newest})
    # Not by a join: for some hundreds PostgreSQL would read all companies.
    corp_ids = dict(companies.values_list("pk", "corp_id"))
    of_companies = Tenant.objects.filter(
        state=TenantState.ACTIVE,
        suite__in=list(Suite.objects.filter(push_mode__in=_WITH_LIST)),
        corp__in=list(corp_ids),
    )
    unasked = of_companies.filter(~Exists(_asked_lately("pk", now=now)))
    others = unasked.exclude(pk__in=[tenant.pk for tenant in besides])
    found = [tenant for tenant in others if (tenant.suite_id, corp_ids[tenant.corp_id]) in newest]
    return found[: TENANTS_PER_SWEEP - len(besides)]


def _asked_lately(tenant: str, *, now: datetime) -> QuerySet[FailedPushFetch]:
    lately = Q(tried_at__gte=now - FETCH_AGAIN_AFTER) | Q(wanted_at__isnull=False)
    return FailedPushFetch.objects.filter(lately, tenant=OuterRef(tenant))


def _active_tenants(*, since: datetime) -> QuerySet[Tenant]:
    """Return active tenants of suites that have such a list, with an event or a use of their token lately."""
    used = AccessToken.objects.filter(tenant=OuterRef("pk"), kind=TokenKind.CORP, last_used_at__gte=since)
    events = ReceivedEvent.objects.filter(
        suite=OuterRef("suite"), corp_id=OuterRef("corp__corp_id"), received_at__gte=since
    )
    active = Tenant.objects.filter(state=TenantState.ACTIVE, suite__push_mode__in=_WITH_LIST)
    return active.filter(Q(Exists(used)) | Q(Exists(events)))


def _want(tenants: list[Tenant], *, first: datetime, spread: timedelta, rounds: int) -> None:
    """Note for each tenant when to begin, one after another over the spread."""
    rows = [
        FailedPushFetch(
            tenant=tenant, wanted_at=first + spread * _random.random(), rounds_left=rounds, dispatched_at=None
        )
        for tenant in tenants
    ]
    FailedPushFetch.objects.bulk_create(
        rows,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["tenant"],
        update_fields=["wanted_at", "rounds_left", "dispatched_at"],
    )
