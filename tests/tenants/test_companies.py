"""A company as a whole: another profile, and its end."""

from datetime import UTC, datetime, timedelta

import pytest

from dingtalk.models import EventState
from dingtalk.protocol.errors import MalformedEvent
from tenants import events
from tenants.models import AccessToken, Tenant, TenantState
from tests.support.callbacks import CORP_ID, PLATFORM_TIME_MS, make_suite, sync_push, sync_row
from tests.support.events import make_event
from tests.support.protocol_fixtures import load_event
from tests.tenants.test_events import handle, legacy, tenant

pytestmark = pytest.mark.django_db

BIZ_TYPE = 16


@pytest.fixture
def suite():
    return make_suite()


@pytest.fixture
def authorised(suite) -> Tenant:
    """A company that is active, by the recorded grant."""
    handle(suite, load_event("org_suite_auth"))
    Tenant.objects.update(
        state=TenantState.ACTIVE, next_reconcile_at=None, auth_info_due=False, auth_scope_due=False
    )
    AccessToken.objects.create(suite=suite, tenant=tenant(), kind="corp", token="t")
    return tenant()


def company_row(action: str, *, minutes: float, **members: object) -> dict[str, object]:
    when = PLATFORM_TIME_MS + round(minutes * 60_000)
    data = {"syncAction": action, **members}
    return sync_row(data, biz_type=BIZ_TYPE, biz_id=CORP_ID, gmt_modified=when)


def test_a_renamed_company_is_shown_by_its_new_name(authorised, suite):
    handle(suite, load_event("org_update"))

    corp = tenant().corp
    assert (corp.name, corp.industry, corp.auth_level) == ("青竹文创", "文化创意", 1)
    assert corp.full_name == "杭州青竹文具有限公司", "what the event does not say stays"
    assert corp.profile_time == datetime.fromtimestamp(1_700_000_500, UTC)
    assert tenant().state == TenantState.ACTIVE


@pytest.mark.parametrize("order", [(5, 9), (9, 5)])
def test_the_newest_profile_counts_in_whatever_order_they_come(authorised, suite, order):
    for minutes in order:
        handle(suite, sync_push(company_row("org_update", minutes=minutes, corp_name=f"名{minutes}")))

    assert tenant().corp.name == "名9"


def test_a_profile_that_another_suite_was_told_is_no_news(authorised, suite):
    handle(suite, load_event("org_update"))
    other = make_suite(suite_key="suiteother", suite_id="2")

    [event] = handle(other, sync_push(company_row("org_update", minutes=5, corp_name="旧名")))

    assert event.state == EventState.IGNORED
    assert tenant().corp.name == "青竹文创"


def test_the_profile_of_an_unknown_company_makes_none(suite):
    [event] = handle(suite, load_event("org_update"))

    assert event.state == EventState.IGNORED
    assert not Tenant.objects.exists()


def test_a_profile_of_another_company_than_the_rows_is_refused(authorised, suite):
    with pytest.raises(MalformedEvent):
        events.update_profile(
            make_event(suite, payload=b'{"data":{"corpid":"dingother"}}'), now=tenant().updated_at
        )


@pytest.mark.parametrize("name", ["org_remove", "legacy_org_remove"])
def test_a_dissolved_company_is_withdrawn_and_its_history_says_why(authorised, suite, name):
    handle(suite, load_event(name))

    gone = tenant()
    assert gone.state == TenantState.RELIEVED
    assert gone.permanent_code is None
    assert not AccessToken.objects.exists()
    assert gone.transitions.first().reason == "org_remove: the company was dissolved"


def test_a_dissolution_before_the_newest_grant_changes_nothing(authorised, suite):
    [event] = handle(suite, sync_push(company_row("org_remove", minutes=-60)))

    assert event.state == EventState.IGNORED
    assert tenant().state == TenantState.ACTIVE


def test_a_dissolution_is_not_passed_over_for_a_newer_profile(authorised, suite):
    handle(
        suite,
        sync_push(
            company_row("org_remove", minutes=5), company_row("org_update", minutes=6, corp_name="清算中")
        ),
    )

    assert tenant().state == TenantState.RELIEVED
    assert tenant().corp.name == "清算中"


def test_a_change_without_data_has_the_profile_fetched(authorised, suite):
    handle(suite, load_event("legacy_org_change"))

    assert tenant().auth_info_due
    assert tenant().next_reconcile_at - tenant().updated_at < timedelta(seconds=5)


def test_a_change_of_a_company_that_withdrew_asks_nobody(authorised, suite):
    handle(suite, load_event("org_suite_relieve"))

    [event] = handle(suite, load_event("legacy_org_change"))

    assert event.state == EventState.IGNORED
    assert not tenant().auth_info_due


def test_a_licence_code_is_acknowledged_and_the_reason_says_what_that_means(suite):
    [event] = handle(suite, legacy("check_suite_license_code", LicenseCode="secret-licence"))

    assert (event.state, event.last_error) == (EventState.IGNORED, "")
    assert "valid" in event.note
