"""What operators have DingTalk do for the companies of a suite."""

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.test import Client

from dingtalk.foundation.models import AuditEntry
from dingtalk.models import Suite
from tenants.models import Tenant
from tenants.suite_operations import checked_addresses
from tests.support.admin_rows import make_superuser
from tests.support.onboarding import grant_arrives
from tests.support.upstream import CORP_ID, Upstream, legacy_suite, suite, upstream

__all__ = ["legacy_suite", "suite", "upstream"]

SUBMITTED = {"_form_submitted": "True"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db: None) -> Client:
    """A superuser's browser that reads English."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_superuser())
    return client


def test_waiting_companies_are_listed_and_their_grants_pushed_again(
    upstream: Upstream, legacy_suite: Suite, operator: Client
) -> None:
    upstream.authorize()
    page = f"/admin/dingtalk/suite/{legacy_suite.pk}/waiting-companies/"
    assert CORP_ID in operator.get(page).content.decode()
    assert upstream.count("/service/reauth_corp") == 0

    answer = operator.post(page, {"corp_id": [CORP_ID]}, follow=True)

    assert "of 1 company again" in answer.content.decode()
    assert upstream.count("/service/reauth_corp") == 1
    assert AuditEntry.objects.get(action="suite.reauthorize").details == {"corp_ids": [CORP_ID]}


def test_a_company_that_does_not_wait_is_not_pushed_again(
    upstream: Upstream, legacy_suite: Suite, operator: Client
) -> None:
    page = f"/admin/dingtalk/suite/{legacy_suite.pk}/waiting-companies/"

    assert "lists no company" in operator.post(page, {"corp_id": [CORP_ID]}).content.decode()
    assert upstream.count("/service/reauth_corp") == 0


def test_without_a_ticket_the_page_says_what_is_missing(upstream: Upstream, operator: Client) -> None:
    suite = upstream.register_suite()

    page = operator.get(f"/admin/dingtalk/suite/{suite.pk}/waiting-companies/").content.decode()

    assert "no suite ticket yet" in page


@pytest.fixture
def tenant(upstream: Upstream, suite: Suite) -> Tenant:
    """A company that has authorised, on both sides."""
    return grant_arrives(suite, upstream.authorize())


def test_the_ip_allow_list_is_replaced_at_dingtalk_and_audited(
    upstream: Upstream, tenant: Tenant, operator: Client
) -> None:
    page = f"/admin/tenants/tenant/{tenant.pk}/ip-whitelist/"

    operator.post(page, {**SUBMITTED, "addresses": "203.0.113.7\n198.51.100.*\n203.0.113.7"})

    [grant] = upstream.remote.state()["grants"]
    assert grant["ip_whitelist"] == ["203.0.113.7", "198.51.100.*"]
    entry = AuditEntry.objects.get(action="tenant.set_ip_whitelist")
    assert entry.details == {"addresses": ["203.0.113.7", "198.51.100.*"]}


def test_a_list_that_dingtalk_refuses_changes_nothing_and_says_so(
    upstream: Upstream, tenant: Tenant, operator: Client
) -> None:
    upstream.act("relieve")

    answer = operator.post(
        f"/admin/tenants/tenant/{tenant.pk}/ip-whitelist/", {**SUBMITTED, "addresses": "203.0.113.7"}
    )

    assert "did not take the list" in str([str(each) for each in get_messages(answer.wsgi_request)])
    assert not AuditEntry.objects.filter(action="tenant.set_ip_whitelist").exists()


@pytest.mark.parametrize("text", ["203.0.113", "203.0.113.256", "::1", "*.*.*.*", "5.*.6.*", "5.6.7.8/8"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        checked_addresses([text])


@pytest.mark.parametrize("text", ["203.0.113.7", "203.0.113.*", "5.6.*.*", "5.6.*.9"])
def test_the_last_two_parts_may_be_stars(text: str) -> None:
    assert checked_addresses([text]) == [text]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValidationError):
        checked_addresses([])
