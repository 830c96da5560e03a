"""`manage.py api_key`."""

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dingtalk.foundation.models import AuditEntry
from tenants import api_keys
from tenants.errors import KeyRefused
from tenants.models import ApiClient, ApiKey, AuthCorp, Tenant
from tests.tenants.conftest import make_suite

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_key", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def run_json(*arguments: str):
    return json.loads(run(*arguments, "--json"))


def test_a_new_app_gets_a_key_that_works_and_is_printed_once(suite):
    made = run_json("create", "考勤后台", "--suite", "suitekey0001", "--scope", "tokens:read", "tenants:read")

    key = api_keys.authenticate(made["key"], now=timezone.now())
    assert key.client.name == "考勤后台"
    assert made["scopes"] == ["tenants:read", "tokens:read"]
    assert (made["suites"], made["covers_all_tenants"], made["expires_at"]) == (["suitekey0001"], True, None)
    assert made["key"] not in run("list") + repr(run_json("list"))


def test_for_people_the_key_stands_on_a_line_of_its_own(suite):
    last_line = run("create", "考勤后台", "--suite", "suitekey0001").splitlines()[-1]

    assert api_keys.authenticate(last_line, now=timezone.now())


def test_reading_tokens_has_to_be_asked_for(suite):
    assert run_json("create", "考勤后台", "--suite", "suitekey0001")["scopes"] == ["tenants:read"]


def test_an_app_may_be_confined_to_named_tenants(suite):
    corp = AuthCorp.objects.create(corp_id="dingcorp0001")
    tenant = Tenant.objects.create(suite=suite, corp=corp)

    made = run_json("create", "A", "--suite", "suitekey0001", "--tenant", "suitekey0001:dingcorp0001")

    assert made["covers_all_tenants"] is False
    assert list(ApiClient.objects.get().tenants.all()) == [tenant]


def test_a_key_may_end(suite):
    made = run_json("create", "A", "--suite", "suitekey0001", "--expires-days", "30")

    left = ApiKey.objects.get(prefix=made["prefix"]).expires_at - timezone.now()
    assert abs(left - timedelta(days=30)) < timedelta(minutes=1)


def test_an_app_gets_a_further_key_so_that_the_old_one_can_be_replaced(suite):
    first = run_json("create", "A", "--suite", "suitekey0001", "--label", "old")
    second = run_json("create", "A", "--label", "new")

    assert ApiClient.objects.count() == 1
    assert all(api_keys.authenticate(made["key"], now=timezone.now()) for made in (first, second))
    assert {key["label"] for key in run_json("list")} == {"old", "new"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("A",),
        ("A", "--suite", "nosuchsuite"),
        ("", "--suite", "suitekey0001"),
        ("A\n", "--suite", "suitekey0001"),
        ("A\u202e", "--suite", "suitekey0001"),
        ("A" * 101, "--suite", "suitekey0001"),
        ("A", "--suite", "suitekey0001", "--tenant", "suitekey0001:dingnobody"),
        ("A", "--suite", "suitekey0001", "--tenant", "dingcorp0001"),
        ("A", "--suite", "suitekey0001", "--tenant", "suitekey0002:dingcorp0001"),
        ("A", "--suite", "suitekey0001", "--scope", "everything"),
        ("A", "--suite", "suitekey0001", "--expires-days", "0"),
        ("A", "--suite", "suitekey0001", "--expires-days", "100000000"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(suite, arguments):
    other = make_suite(suite_key="suitekey0002", suite_id="900002")
    Tenant.objects.create(suite=other, corp=AuthCorp.objects.create(corp_id="dingcorp0001"))

    with pytest.raises(CommandError):
        run("create", *arguments)

    assert not ApiClient.objects.exists() and not ApiKey.objects.exists()
    assert not AuditEntry.objects.exists()


def test_what_an_app_may_see_is_not_changed_in_passing(suite):
    run("create", "A", "--suite", "suitekey0001")

    with pytest.raises(CommandError):
        run("create", "A", "--scope", "tokens:read")

    assert ApiClient.objects.get().scopes == ["tenants:read"]
    assert ApiKey.objects.count() == 1


def test_a_revoked_key_is_refused(suite):
    made = run_json("create", "A", "--suite", "suitekey0001")

    first, second = run_json("revoke", made["prefix"]), run_json("revoke", made["prefix"])

    with pytest.raises(KeyRefused):
        api_keys.authenticate(made["key"], now=timezone.now())
    assert (first["revoked_now"], second["revoked_now"]) == (True, False)
    assert first["revoked_at"] == second["revoked_at"]


def test_a_prefix_that_is_none_is_an_error():
    with pytest.raises(CommandError):
        run("revoke", "nosuchkey0")


def test_all_is_audited_as_done_by_the_command(suite):
    made = run_json("create", "A", "--suite", "suitekey0001")
    run("revoke", made["prefix"])

    entries = AuditEntry.objects.order_by("at", "id")
    assert [entry.action for entry in entries] == ["api_client.create", "api_key.create", "api_key.revoke"]
    assert {entry.actor_kind for entry in entries} == {"command"}
    assert made["key"].split("_", 2)[2] not in repr(list(entries.values()))


def test_a_key_is_made_with_what_it_may_call_at_dingtalk(suite):
    paths = ["/topapi/v2/user/get", "/v1.0/contact/**"]

    made = run_json("create", "A", "--suite", "suitekey0001", "--scope", "proxy", "--proxy-path", *paths)

    assert made["proxy_paths"] == ApiKey.objects.get().proxy_paths == paths
    assert run_json("list")[0]["proxy_paths"] == paths


def test_what_a_key_may_call_is_replaced(suite):
    prefix = run_json("create", "A", "--suite", "suitekey0001", "--proxy-path", "/auth/scopes")["prefix"]

    changed = run_json("proxy", prefix, "/topapi/v2/user/*")
    again = run_json("proxy", prefix, "/topapi/v2/user/*")
    emptied = run_json("proxy", prefix)

    assert [each["changed_now"] for each in (changed, again, emptied)] == [True, False, True]
    assert [each["proxy_paths"] for each in (changed, emptied)] == [["/topapi/v2/user/*"], []]
    assert AuditEntry.objects.filter(action="api_key.set_proxy_paths").count() == 2


@pytest.mark.parametrize("path", ["/gettoken", "/v1.0/oauth2/**", "topapi", "/a/**/b", "/a//b", "/%2e"])
def test_a_path_that_cannot_be_used_changes_nothing(suite, path):
    prefix = run_json("create", "A", "--suite", "suitekey0001", "--proxy-path", "/auth/scopes")["prefix"]

    with pytest.raises(CommandError, match=re.escape(path)):
        run("proxy", prefix, "/topapi/v2/user/get", path)
    with pytest.raises(CommandError, match=re.escape(path)):
        run("create", "B", "--suite", "suitekey0001", "--proxy-path", path)

    assert ApiKey.objects.get().proxy_paths == ["/auth/scopes"]
    assert ApiClient.objects.count() == 1


def test_more_paths_than_a_key_can_have_are_refused(suite):
    paths = [f"/topapi/v2/user/get{number}" for number in range(51)]

    with pytest.raises(CommandError, match="50"):
        run("create", "A", "--suite", "suitekey0001", "--proxy-path", *paths)
