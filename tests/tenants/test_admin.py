"""Admin pages of tenants, tokens, and the apps that call the REST API."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from dingtalk.foundation.models import AuditEntry
from dingtalk.models import SuiteTicket
from tenants.api_keys import authenticate
from tenants.errors import KeyRefused
from tenants.models import AccessToken, ApiClient, ApiKey, Tenant, TenantState
from tests.support.admin_rows import CANARIES, AdminRows, make_rows, make_superuser, make_tenant

TENANTS = "/admin/tenants/tenant/"
CLIENTS = "/admin/tenants/apiclient/"
KEYS = "/admin/tenants/apikey/"
SUBMITTED = {"_form_submitted": "True"}


@pytest.fixture
def rows(db: None) -> AdminRows:
    return make_rows(now=timezone.now())


@pytest.fixture
def operator(db: None) -> Client:
    """A superuser's browser that reads English."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_superuser())
    return client


def texts(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def shown(browser: Client, url: str) -> str:
    response = browser.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def test_a_tenants_page_tells_its_story(operator, rows):
    page = shown(operator, f"{TENANTS}{rows.tenant.pk}/change/")

    assert "org_suite_auth" in page
    assert "refused as spent" in page
    assert "v1.0 corpAccessToken" in page or ">v1<" in page
    assert "manager01" in page


def test_an_error_is_shown_with_what_it_means_and_what_to_do(operator, rows):
    page = shown(operator, f"{TENANTS}{rows.tenant.pk}/change/")

    assert "40089 means: " in page


def test_a_hostile_company_name_is_text_and_its_invisible_characters_are_visible(operator, rows):
    for page in (shown(operator, TENANTS), shown(operator, f"{TENANTS}{rows.tenant.pk}/change/")):
        assert "<script>alert(" not in page
        assert "&lt;script&gt;alert(" in page
        assert "\u202e" not in page.split("</title>")[1].split('id="content')[1]


@pytest.mark.parametrize("term", ["ding7f3c91a05be842d6", "科技", "suitekq7ymx3wq2ulr9vd"])
def test_tenants_are_found_by_corp_id_company_and_suite_key(operator, rows, term):
    found = operator.get(TENANTS, {"q": term}).context["cl"].result_list

    assert [tenant.pk for tenant in found] == [rows.tenant.pk]
    assert not operator.get(TENANTS, {"q": f"{term}x"}).context["cl"].result_list


@pytest.mark.parametrize(
    ("filters", "count"), [("state__exact=failed", 1), ("waiting_for__exact=retry", 2), ("", 2)]
)
def test_tenants_are_filtered_by_state_and_by_what_they_wait_for(operator, rows, filters, count):
    make_tenant(rows.suite, now=timezone.now(), corp_id="dingother", state=TenantState.FAILED)

    assert len(operator.get(f"{TENANTS}?{filters}").context["cl"].result_list) == count


def test_lists_ask_as_many_queries_for_many_rows_as_for_one(operator, rows, django_assert_max_num_queries):
    for number in range(10):
        make_tenant(rows.suite, now=timezone.now(), corp_id=f"ding{number}")

    for page in ("tenant", "accesstoken", "apikey", "apiclient"):
        with django_assert_max_num_queries(11):
            operator.get(f"/admin/tenants/{page}/")


def test_the_list_of_suites_says_how_many_companies_authorised_each(operator, rows):
    make_tenant(rows.suite, now=timezone.now(), corp_id="dingother", state=TenantState.RELIEVED)

    assert "1 / 2" in shown(operator, "/admin/dingtalk/suite/")


def test_reconcile_makes_the_tenant_due_at_once_and_is_audited(operator, rows):
    Tenant.objects.update(attempts=5)

    response = operator.post(f"{TENANTS}{rows.tenant.pk}/reconcile/", SUBMITTED)

    tenant = Tenant.objects.get(pk=rows.tenant.pk)
    assert tenant.next_reconcile_at <= timezone.now()
    assert tenant.attempts == 0
    assert texts(response) == ["1 tenant is being reconciled."]
    entry = AuditEntry.objects.get(action="tenant.reconcile")
    assert (entry.actor, entry.object_id) == ("wang", str(tenant.pk))


def test_selected_tenants_are_reconciled(operator, rows):
    other = make_tenant(rows.suite, now=timezone.now(), corp_id="dingother")

    selected = [str(rows.tenant.pk), str(other.pk)]
    operator.post(TENANTS, {"action": "reconcile_selected", "_selected_action": selected})

    assert Tenant.objects.filter(next_reconcile_at__isnull=False).count() == 2


@pytest.mark.parametrize("button", ["reconcile", "refresh-token"])
def test_a_button_asks_first_and_changes_nothing_by_a_link(operator, rows, button):
    shown(operator, f"{TENANTS}{rows.tenant.pk}/{button}/")

    assert not AuditEntry.objects.filter(action__startswith="tenant.").exists()
    assert Tenant.objects.get(pk=rows.tenant.pk).next_reconcile_at is None


def test_no_token_is_refreshed_for_a_tenant_that_is_not_active(operator, rows):
    relieved = make_tenant(
        rows.suite, now=timezone.now(), corp_id="dingother", state=TenantState.RELIEVED, name="云栖"
    )

    response = operator.post(f"{TENANTS}{relieved.pk}/refresh-token/", SUBMITTED)

    assert texts(response) == ["云栖 · 考勤助手: no token, the tenant is not active (relieved)."]
    assert AuditEntry.objects.filter(action="tenant.refresh_token").count() == 1


def test_a_refused_token_is_explained_and_a_hostile_name_in_the_message_is_text(operator, rows):
    SuiteTicket.objects.all().delete()

    response = operator.post(f"{TENANTS}{rows.tenant.pk}/refresh-token/", SUBMITTED, follow=True)

    page = response.content.decode()
    assert "DingTalk gave no token" in page
    assert "has no suite ticket yet" in page
    assert "<script>alert(" not in page
    assert AccessToken.objects.get(pk=rows.token.pk).token == "canary-corp-token"


def test_many_tokens_are_not_waited_for(operator, rows):
    ids = [
        str(make_tenant(rows.suite, now=timezone.now(), corp_id=f"ding{number}").pk) for number in range(11)
    ]

    response = operator.post(TENANTS, {"action": "refresh_tokens_of_selected", "_selected_action": ids})

    assert texts(response) == ["Select at most 10: each is waited for."]


def test_a_client_is_made_with_scopes_and_suites_and_is_audited(operator, rows):
    values = {
        "name": "bi-app",
        "is_enabled": "on",
        "scopes": ["tenants:read", "tokens:read"],
        "suites": [str(rows.suite.pk)],
        "covers_all_tenants": "on",
    }

    operator.post(f"{CLIENTS}add/", values)

    client = ApiClient.objects.get(name="bi-app")
    assert client.scopes == ["tenants:read", "tokens:read"]
    assert list(client.suites.all()) == [rows.suite]
    details = AuditEntry.objects.get(action="api_client.create").details
    assert details["suites"] == [rows.suite.suite_key]


def test_a_scope_that_does_not_exist_is_refused(operator, rows):
    response = operator.post(f"{CLIENTS}add/", {"name": "bi-app", "scopes": ["everything"]})

    assert "scopes" in response.context["adminform"].form.errors


def test_a_key_is_shown_once_and_works(operator, rows):
    url = f"{CLIENTS}{rows.client.pk}/make-key/"
    assert "Make a key for oa-app" in shown(operator, url)

    response = operator.post(url, {"label": "server 2", "days": "30"})

    key = ApiKey.objects.get(label="server 2")
    page = response.content.decode()
    text = page[page.index(f"isv_{key.prefix}_") :].split("<")[0]
    assert authenticate(text, now=timezone.now()).client == rows.client
    assert (key.expires_at - timezone.now()).days == 29
    assert "no-store" in response["Cache-Control"]
    assert text not in shown(operator, f"{CLIENTS}{rows.client.pk}/change/")


@pytest.mark.parametrize("days", ["0", "-1", "4000", "x"])
def test_a_key_is_not_made_for_an_odd_number_of_days(operator, rows, days):
    operator.post(f"{CLIENTS}{rows.client.pk}/make-key/", {"label": "server 2", "days": days})

    assert ApiKey.objects.count() == 1


def test_a_revoked_key_is_refused_at_once(operator, rows):
    response = operator.post(f"{KEYS}{rows.key.pk}/revoke/", SUBMITTED)

    assert texts(response) == ["1 key was revoked."]
    with pytest.raises(KeyRefused):
        authenticate(rows.key_text, now=timezone.now())
    assert AuditEntry.objects.filter(action="api_key.revoke").count() == 1


def test_selected_keys_are_revoked(operator, rows):
    operator.post(KEYS, {"action": "revoke_selected", "_selected_action": [str(rows.key.pk)]})

    assert ApiKey.objects.get(pk=rows.key.pk).revoked_at is not None


def test_autocomplete_of_tenants_shows_no_secret(operator, rows):
    query = {"app_label": "tenants", "model_name": "apiclient", "field_name": "tenants", "term": "ding"}

    answer = operator.get("/admin/autocomplete/", query).content.decode()

    assert str(rows.tenant.pk) in answer
    assert not any(secret in answer for secret in CANARIES)


def test_a_clients_page_leads_to_its_keys(operator, rows):
    assert f'href="{KEYS}{rows.key.pk}/change/"' in shown(operator, f"{CLIENTS}{rows.client.pk}/change/")


def test_a_key_is_made_with_what_it_may_call_at_dingtalk(operator, rows):
    paths = "/topapi/v2/user/get\r\n\r\n /v1.0/contact/** \r\n/topapi/v2/user/get"

    operator.post(f"{CLIENTS}{rows.client.pk}/make-key/", {"label": "server 2", "proxy_paths": paths})

    key = ApiKey.objects.get(label="server 2")
    assert key.proxy_paths == ["/topapi/v2/user/get", "/v1.0/contact/**"]
    assert "/v1.0/contact/**" in shown(operator, f"{KEYS}{key.pk}/change/")


@pytest.mark.parametrize("path", ["/service/get_corp_token", "/a/**/b", "<b>", "/x/" + "y" * 300])
def test_a_key_is_not_made_for_paths_that_cannot_be_used(operator, rows, path):
    url = f"{CLIENTS}{rows.client.pk}/make-key/"

    page = operator.post(url, {"label": "server 2", "proxy_paths": path}).content.decode()

    assert ApiKey.objects.count() == 1
    assert "<b> cannot" not in page
    assert ("is never passed on" in page) == path.startswith("/service")


def test_what_a_key_may_call_is_changed_by_a_dialog_and_audited(operator, rows):
    url = f"{KEYS}{rows.key.pk}/proxy-paths/"
    operator.post(url, {**SUBMITTED, "proxy_paths": "/topapi/v2/user/get"})
    assert "/topapi/v2/user/get" in shown(operator, url)

    operator.post(url, {**SUBMITTED, "proxy_paths": "/v1.0/oauth2/**"})
    operator.post(url, {**SUBMITTED, "proxy_paths": "/topapi/v2/user/get"})

    rows.key.refresh_from_db()
    assert rows.key.proxy_paths == ["/topapi/v2/user/get"]
    [entry] = AuditEntry.objects.filter(action="api_key.set_proxy_paths")
    assert (entry.details["before"], entry.details["proxy_paths"]) == ([], ["/topapi/v2/user/get"])
