"""
Exchanging a temporary code, which works once, for the permanent code.

DingTalk spends the code when it answers, and its answer can be lost. So the attempt is recorded before
the call, the answer is stored by the very next statement, and an attempt without an answer is never
made again: the permanent code is then recovered by other means (see `steps`).
Source: obtain-a-permanent-authorization-code.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from dingtalk.client import PermanentCode, dingtalk_client
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import (
    ApiError,
    CodeSpent,
    CredentialRejected,
    RateLimited,
    TenantInactive,
    Transient,
    TransportError,
)
from tenants.grants import encrypted_permanent_code
from tenants.models import CodeState, Tenant, TenantState, TmpAuthCode
from tenants.transitions import Overtaken
from tenants.upstream import with_suite_token

# One installation may push several codes, of which only the first spends (seen in real logs).
SAME_INSTALLATION = timedelta(seconds=60)


def has_unsettled_codes(tenant: Tenant) -> bool:
    """Tell whether a code is to be exchanged, or is being exchanged."""
    return tenant.tmp_auth_codes.filter(state__in=[CodeState.PENDING, CodeState.EXCHANGING]).exists()


def pending_code(tenant: Tenant) -> TmpAuthCode | None:
    """Return the newest code of the current authorisation that is still to be exchanged."""
    codes = tenant.tmp_auth_codes.filter(generation=tenant.generation, state=CodeState.PENDING)
    return codes.order_by("-platform_time", "-received_at").first()


def settle_abandoned_exchanges(tenant: Tenant, *, now: datetime) -> int:
    """
    Mark as lost what is still being exchanged, and return how many.

    The caller holds the tenant's lease, so nobody else is at it: a run died between call and answer.
    """
    codes = tenant.tmp_auth_codes.filter(state=CodeState.EXCHANGING)
    return codes.update(state=CodeState.LOST, settled_at=now, code=None)


def exchange(tenant: Tenant, code: TmpAuthCode) -> None:
    """
    Exchange one pending code and store the permanent code.

    A spent code and a lost answer are recorded in the code's row and raise nothing: the next step decides.
    Raises TicketMissing, TokenUnavailable, DingTalkError when the code is as good as before.
    """
    answer = with_suite_token(tenant.suite, lambda suite_token: _call(code, suite_token))
    if answer is not None:
        _store(tenant, code, answer)


def _call(code: TmpAuthCode, suite_token: str) -> PermanentCode | None:
    plaintext = code.code
    begun = _settle(code, CodeState.EXCHANGING, exchange_started_at=timezone.now(), settled_at=None)
    if not begun or plaintext is None:
        return None
    try:
        return dingtalk_client().get_permanent_code(suite_access_token=suite_token, tmp_auth_code=plaintext)
    except CodeSpent:
        _settle(code, CodeState.SPENT, code=None)
        return None
    except TransportError as error:
        if error.retryable:  # it never reached DingTalk
            _settle(code, CodeState.PENDING, settled_at=None)
            raise
        _settle(code, CodeState.LOST, code=None)
        return None
    except ApiError as refusal:
        if _leaves_code_unspent(refusal):
            _settle(code, CodeState.PENDING, settled_at=None)
        else:
            _settle(code, CodeState.DISCARDED, code=None)
        raise


def _leaves_code_unspent(refusal: ApiError) -> bool:
    """Whether the code is worth another try: should it be spent all the same, that try will tell."""
    passing = (CredentialRejected, RateLimited, TenantInactive, Transient)
    return isinstance(refusal, passing) or refusal.action == Action.UNKNOWN


def _settle(code: TmpAuthCode, state: CodeState, /, **columns: Any) -> bool:
    """Move a code on; from `pending` or `exchanging` only, for a settled one stays as it is."""
    columns.setdefault("settled_at", timezone.now())
    before = CodeState.PENDING if state == CodeState.EXCHANGING else CodeState.EXCHANGING
    return bool(TmpAuthCode.objects.filter(pk=code.pk, state=before).update(state=state, **columns))


def _store(tenant: Tenant, code: TmpAuthCode, answer: PermanentCode) -> None:
    """
    Store the permanent code, if the authorisation is still the one that the code was for.

    DingTalk then waits for an activation, also where we had not heard that the last authorisation ended.
    Not fenced by the lease: a run that woke up late has the only copy, and it is right whoever stores it.
    """
    now = timezone.now()
    if answer.corp_id != tenant.corp.corp_id:
        _settle(code, CodeState.DISCARDED, code=None)
        raise Overtaken
    with transaction.atomic():
        current = Tenant.objects.filter(pk=tenant.pk, generation=code.generation)
        permanent_code = encrypted_permanent_code(tenant, answer.permanent_code)
        if not current.exclude(state=TenantState.RELIEVED).update(
            permanent_code=permanent_code, activated_at=None, activation_note="", updated_at=now
        ):
            raise Overtaken
        TmpAuthCode.objects.filter(pk=code.pk).update(state=CodeState.EXCHANGED, settled_at=now, code=None)
        _discard_twins(tenant, code, now=now)


def _discard_twins(tenant: Tenant, code: TmpAuthCode, *, now: datetime) -> None:
    twins = tenant.tmp_auth_codes.filter(generation=code.generation, state=CodeState.PENDING)
    moment = code.platform_time or code.received_at
    twins.filter(
        platform_time__gte=moment - SAME_INSTALLATION, platform_time__lte=moment + SAME_INSTALLATION
    ).update(state=CodeState.DISCARDED, settled_at=now, code=None)
