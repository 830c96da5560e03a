"""`manage.py failed_pushes` and `manage.py corp_callback`, against the simulated platform."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from dingtalk.foundation.models import AuditEntry
from dingtalk.models import PushSource, ReceivedPush
from tenants.models import Tenant, TenantState
from tests.support.upstream import CORP_ID, SUITE_KEY, Upstream, suite, upstream
from tests.support.wsgi_server import wsgi_server
from tests.tenants.test_failed_pushes import lose, tenant

__all__ = ["suite", "tenant", "upstream"]
pytestmark = pytest.mark.django_db
OF_TENANT = ("--suite", SUITE_KEY, "--corp", CORP_ID)


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_an_operator_fetches_a_companys_failed_pushes(upstream: Upstream, tenant: Tenant):
    lose(upstream, "user1", "user2")

    said = run("failed_pushes", "fetch", *OF_TENANT)

    assert "2" in said
    assert ReceivedPush.objects.filter(source=PushSource.FAILED_LIST).count() == 2
    assert AuditEntry.objects.filter(action="tenant.fetch_failed_pushes").exists()
    assert CORP_ID in run("failed_pushes", "status")


@pytest.mark.parametrize("corp_id", ["dingnobody0001", "no company at all"])
def test_an_unknown_company_is_said(tenant: Tenant, corp_id: str):
    with pytest.raises(CommandError):
        run("failed_pushes", "fetch", "--suite", SUITE_KEY, "--corp", corp_id)


def test_a_refusal_is_said_with_its_code(upstream: Upstream, tenant: Tenant):
    upstream.fault("/call_back/get_call_back_failed_result", "errcode", code=60011)

    with pytest.raises(CommandError, match="60011"):
        run("failed_pushes", "fetch", *OF_TENANT)


class TestCorpCallback:
    """Callbacks of one company."""

    @pytest.fixture
    def portal(self, transactional_db, settings, upstream: Upstream, tenant: Tenant) -> Iterator[None]:
        """The portal, where the platform can reach it, and time for a slow machine."""
        settings.DINGTALK_READ_TIMEOUT_SECONDS = 10.0
        upstream.options.deadline_ms = 8000
        with wsgi_server() as url:
            settings.PUBLIC_BASE_URL = url
            yield

    @pytest.mark.django_db(transaction=True)
    def test_it_is_registered_shown_changed_and_removed(self, upstream: Upstream, tenant: Tenant, portal):
        run("corp_callback", "register", *OF_TENANT, "user_add_org")
        assert "user_add_org" in run("corp_callback", "show", *OF_TENANT)
        with pytest.raises(CommandError, match="71006"):
            run("corp_callback", "register", *OF_TENANT, "user_add_org")

        run("corp_callback", "update", *OF_TENANT, "org_remove", "org_change")
        assert "org_remove, org_change" in run("corp_callback", "show", *OF_TENANT)

        run("corp_callback", "delete", *OF_TENANT)
        with pytest.raises(CommandError, match="71007"):
            run("corp_callback", "show", *OF_TENANT)
        done = set(AuditEntry.objects.values_list("action", flat=True))
        assert {"tenant.register_callback", "tenant.update_callback", "tenant.delete_callback"} <= done

    def test_an_address_that_is_not_ours_is_refused(self, tenant: Tenant, settings):
        settings.PUBLIC_BASE_URL = "http://127.0.0.1:9"

        with pytest.raises(CommandError, match="71012"):
            run("corp_callback", "register", *OF_TENANT, "user_add_org")

    def test_nothing_is_done_for_a_company_that_has_withdrawn(self, tenant: Tenant):
        Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None)

        with pytest.raises(CommandError, match="TenantNotActive"):
            run("corp_callback", "show", *OF_TENANT)
