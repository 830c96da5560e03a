"""What is over is removed, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk.client.login import IssuedUserToken
from isv_portal.beat_schedule import beat_schedule
from tenants import tasks
from tenants.login.states import begin_login
from tenants.login.user_tokens import store_user_token
from tenants.models import ApiClient, LoginState, UserToken
from tests.tenants.conftest import CORP_ID, active_tenant, authorize, suite, tenant_row

__all__ = ["active_tenant", "authorize", "suite", "tenant_row"]


@pytest.fixture
def app(active_tenant) -> ApiClient:
    return ApiClient.objects.create(name="考勤后台")


def begin(app: ApiClient, suite, *, days_ago: float) -> None:
    when = timezone.now() - timedelta(days=days_ago)
    begin_login(app, suite, redirect_uri="https://app.example.com/", corp_id="", now=when)


def log_in(app: ApiClient, tenant, union_id: str, *, days_ago: float, refresh_token: str = "refresh") -> None:
    when = timezone.now() - timedelta(days=days_ago)
    issued = IssuedUserToken(f"token-of-{union_id}", refresh_token, 7200, CORP_ID)
    store_user_token(app, tenant, issued, union_id=union_id, user_id="", now=when)


def test_a_state_goes_a_day_after_it_ended(app, suite):
    begin(app, suite, days_ago=2)
    begin(app, suite, days_ago=0.9)

    tasks.prune_logins()

    assert [state.created_at > timezone.now() - timedelta(days=1) for state in LoginState.objects.all()] == [
        True
    ]


def test_a_token_goes_when_it_is_over_and_cannot_be_renewed(app, active_tenant):
    log_in(app, active_tenant, "renewable", days_ago=29)
    log_in(app, active_tenant, "over", days_ago=31)
    log_in(app, active_tenant, "fresh", days_ago=0, refresh_token="")
    log_in(app, active_tenant, "never renewable", days_ago=1, refresh_token="")

    tasks.prune_logins()

    assert set(UserToken.objects.values_list("union_id", flat=True)) == {"renewable", "fresh"}


def test_it_is_a_task_of_the_beat():
    assert "tenants.tasks.prune_logins" in {entry["task"] for entry in beat_schedule().values()}
