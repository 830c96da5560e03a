"""Companies that authorise and withdraw in wild order, handled by several at once."""

import random
import threading
from datetime import datetime

import pytest
from django.db import Error as DatabaseError
from django.db import connection

from dingtalk.models import Suite
from tenants import services
from tenants.models import AuthCorp, Tenant, TenantState
from tests.tenants.conftest import grant_of, moment

pytestmark = pytest.mark.django_db(transaction=True)

COMPANIES = 20
FLIPS = 6
HANDLERS = 4


def handle(suite: Suite, corp_id: str, flip: int) -> None:
    """Even flips are grants, odd ones withdrawals, an hour apart by the platform's time."""
    known = {"suite": suite, "corp_id": corp_id, "platform_time": moment(60 * flip), "now": _now(flip)}
    if flip % 2 == 0:
        services.authorize_tenant(**known, grant=grant_of(corp_id), reason="org_suite_auth")
    else:
        services.relieve_tenant(**known, reason="org_suite_relieve")


def _now(flip: int) -> datetime:
    return moment(60 * flip + 1)


def handle_all(suite: Suite, deliveries: list[tuple[str, int]], errors: list[Exception]) -> None:
    try:
        for corp_id, flip in deliveries:
            handle(suite, corp_id, flip)
    except DatabaseError as error:
        errors.append(error)
    finally:
        connection.close()


def test_twenty_companies_end_in_the_state_of_the_newest_platform_time(suite):
    chance = random.Random(20261120)
    stories = {f"dingflapping{number:04}": FLIPS - number % 2 for number in range(COMPANIES)}
    deliveries = [(corp_id, flip) for corp_id, flips in stories.items() for flip in range(flips)] * 2
    chance.shuffle(deliveries)
    errors: list[Exception] = []
    shares = [deliveries[start::HANDLERS] for start in range(HANDLERS)]

    handlers = [threading.Thread(target=handle_all, args=(suite, share, errors)) for share in shares]
    for handler in handlers:
        handler.start()
    for handler in handlers:
        handler.join(timeout=60)

    assert errors == []
    assert AuthCorp.objects.count() == Tenant.objects.count() == COMPANIES
    for tenant in Tenant.objects.select_related("corp"):
        last = stories[tenant.corp.corp_id] - 1
        is_granted = last % 2 == 0
        assert tenant.grant_time == moment(60 * last)
        assert (tenant.state != TenantState.RELIEVED) == is_granted
        assert (tenant.permanent_code is not None) == is_granted


def test_a_company_whose_first_events_arrive_at_once_is_one_tenant(suite):
    barrier = threading.Barrier(HANDLERS)
    errors: list[Exception] = []

    def arrive(flip: int) -> None:
        barrier.wait(timeout=30)
        handle_all(suite, [("dingfirst00001", flip)], errors)

    handlers = [threading.Thread(target=arrive, args=(flip,)) for flip in range(HANDLERS)]
    for handler in handlers:
        handler.start()
    for handler in handlers:
        handler.join(timeout=60)

    assert errors == []
    assert Tenant.objects.get().state == TenantState.RELIEVED
    assert Tenant.objects.get().grant_time == moment(60 * (HANDLERS - 1))
