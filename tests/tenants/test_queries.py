"""Which tenants an app may see; that views ask nobody else; that no secret is read for a page."""

import ast
from pathlib import Path

import pytest

import tenants
from tenants import queries
from tenants.errors import TenantNotFound
from tenants.models import ApiClient, AuthCorp, Tenant
from tests.tenants.conftest import make_suite

# Also of packages that will have an API of their own.
API_MODULES = sorted(Path(tenants.__file__).parent.rglob("api/*.py"))
MANAGERS = {"objects", "_default_manager", "_base_manager"}


@pytest.mark.parametrize("module", API_MODULES, ids=lambda path: path.name)
def test_no_module_of_the_api_reaches_tenants_but_by_queries(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))

    used = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in MANAGERS
    ]
    raw = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "connection"]

    assert used + raw == [], f"{module.name} must ask tenants.queries"


def test_the_rule_finds_a_manager_where_there_is_one():
    tree = ast.parse("Tenant.objects.all()")

    assert len(API_MODULES) > 5
    assert [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in MANAGERS]


@pytest.fixture
def tenants_of_two_suites(suite):
    other = make_suite(suite_key="suitekey0002", suite_id="900002")
    corp = AuthCorp.objects.create(corp_id="dingcorp0001")
    return [Tenant.objects.create(suite=owner, corp=corp) for owner in (suite, other)]


@pytest.mark.django_db
def test_a_client_without_suites_sees_nothing(tenants_of_two_suites):
    client = ApiClient.objects.create(name="考勤后台")

    assert not queries.visible_tenants(client).exists()


@pytest.mark.django_db
def test_naming_a_tenant_does_not_open_its_suite(tenants_of_two_suites, suite):
    client = ApiClient.objects.create(name="考勤后台", covers_all_tenants=False)
    client.suites.add(suite)
    client.tenants.set(tenants_of_two_suites)

    assert list(queries.visible_tenants(client)) == tenants_of_two_suites[:1]


@pytest.mark.django_db
def test_what_is_shown_is_read_by_one_query_and_has_no_secret_in_it(
    tenants_of_two_suites, django_assert_num_queries
):
    with django_assert_num_queries(1):
        tenant = queries.get_shown_tenant(
            Tenant.objects.all(), suite_key="suitekey0001", corp_id="dingcorp0001"
        )
        assert (tenant.suite.suite_key, tenant.corp.corp_id) == ("suitekey0001", "dingcorp0001")

    assert "permanent_code" in tenant.get_deferred_fields()
    assert {"suite_secret", "callback_token", "encoding_aes_key"} <= tenant.suite.get_deferred_fields()


@pytest.mark.django_db
@pytest.mark.parametrize("corp_id", ["", "ding\0", "ding\n", "d" * 65, "企业", "a b", "a/b", "%FF"])
def test_what_cannot_be_a_corp_id_costs_no_query(suite, corp_id, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(TenantNotFound):
        queries.get_shown_tenant(Tenant.objects.all(), suite_key="suitekey0001", corp_id=corp_id)


@pytest.mark.django_db
@pytest.mark.parametrize(("covers_all", "found"), [(True, True), (False, False)])
def test_only_who_sees_all_tenants_of_a_suite_may_ask_for_unknown_ones(suite, covers_all, found):
    client = ApiClient.objects.create(name="考勤后台", covers_all_tenants=covers_all)
    client.suites.add(suite)

    assert (queries.find_fully_covered_suite(client, suite_key="suitekey0001") is not None) == found
    assert queries.find_fully_covered_suite(client, suite_key="suitekey0002") is None
