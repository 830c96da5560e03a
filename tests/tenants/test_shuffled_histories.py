"""What an administrator did, told in any order: the tenant ends as if it had been told in order."""

import random
from datetime import datetime

import pytest

from dingtalk.models import Suite
from tenants import services
from tenants.models import Tenant, TenantState
from tests.faults.model import ACTIVE, RELIEVED, STOPPED, Deed, possible_states
from tests.faults.plan import Mix, make_plan
from tests.tenants.conftest import CORP_ID, grant_of, moment

pytestmark = pytest.mark.django_db

DEEDS, HOUR_MS = 7, 3_600_000
# Among them is one (41) in which a late withdrawal left a stop behind.
SEEDS = range(35, 55)


def tell(suite: Suite, action: str, at: datetime, *, is_legacy: bool) -> None:
    """Handle the event of a deed as the push mode words it."""
    known = {
        "suite": suite,
        "corp_id": CORP_ID,
        "platform_time": at,
        "now": moment(60 * 24),
        "reason": action,
    }
    if action in ("stop", "restore"):
        services.switch_agent(**known, agent_id="1001", is_stopped=action == "stop")
    elif action == "relieve":
        services.relieve_tenant(**known)
    elif not is_legacy:
        services.authorize_tenant(**known, grant=grant_of())
    elif action == "authorize":
        services.receive_tmp_auth_code(**known, tmp_auth_code=f"code of {at}")
    else:
        services.rescope_tenant(**known)


def states_that_fit(tenant: Tenant) -> set[str]:
    """What the tenant is, or becomes once DingTalk, who knows, has answered whether it has authorised."""
    granted = STOPPED if tenant.is_stopped_by_company else ACTIVE
    if tenant.grant_unconfirmed:
        return {granted, RELIEVED}
    return {RELIEVED if tenant.state == TenantState.RELIEVED else granted}


@pytest.mark.parametrize("is_legacy", [False, True], ids=["sync_http", "http"])
def test_a_shuffled_history_ends_like_the_one_in_order(suite, is_legacy):
    wrong = []
    for seed in SEEDS:
        chance = random.Random(seed)
        actions = [item.action for item in make_plan(chance, pushes=DEEDS, companies=1, mix=Mix(deeds=1.0))]
        deeds = [Deed(number * HOUR_MS, action, True) for number, action in enumerate(actions)]
        told = chance.sample(deeds, len(deeds))
        Tenant.objects.all().delete()

        for deed in told:
            tell(suite, deed.action, moment(deed.platform_ms / 60_000), is_legacy=is_legacy)

        if not states_that_fit(Tenant.objects.get()) & possible_states(deeds):
            wrong.append((seed, actions, [deeds.index(deed) for deed in told], Tenant.objects.get().state))
    assert wrong == []
