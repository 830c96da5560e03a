"""A tenant's agents, scope and history, and the filters of the list."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tenants.models import AuthCorp, Tenant, TenantState, TenantTransition
from tests.tenants.api.conftest import LIST_URL, OTHER_SUITE_KEY, code_of, detail_url

pytestmark = pytest.mark.django_db

CORP_ID = "dingcorp0001"
AGENT = {"agent_id": 1001, "app_id": 55, "name": "考勤", "logo_url": "", "admin_user_ids": ["admin1"]}
AS_OF = "2026-11-20T09:00:00+00:00"
PARTS = ("agents", "auth-scope", "history")


def part_url(part: str, corp_id: str = CORP_ID, **suite: str) -> str:
    return f"{detail_url(corp_id, **suite)}/{part}"


def corp_ids(answer) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {tenant["corp_id"] for tenant in answer.json()["results"]}


class TestAgents:
    def test_an_agent_is_shown_with_the_companys_switch_and_who_sees_it(self, app, make_tenant):
        seen_by = {"user_ids": ["u1"], "dept_ids": None, "as_of": AS_OF}
        make_tenant(
            CORP_ID,
            agents=[AGENT],
            agent_switches={"1001": {"stopped": True, "as_of": AS_OF}},
            auth_scope={"visible_by_agent": {"1001": seen_by}},
        )

        shown = app.get(part_url("agents")).json()

        assert shown == {
            "suite_key": "suitekey0001",
            "corp_id": CORP_ID,
            "agents": [
                {
                    **AGENT,
                    "is_stopped": True,
                    "switched_at": "2026-11-20T09:00:00Z",
                    "visible_to": {**seen_by, "as_of": "2026-11-20T09:00:00Z"},
                }
            ],
        }

    def test_of_an_agent_that_nobody_touched_the_defaults_are_said(self, app, make_tenant):
        make_tenant(CORP_ID, agents=[AGENT])

        [agent] = app.get(part_url("agents")).json()["agents"]

        assert (agent["is_stopped"], agent["switched_at"], agent["visible_to"]) == (False, None, None)


class TestAuthScope:
    def test_the_scope_is_shown(self, app, make_tenant):
        granted = {"user_ids": ["u1"], "dept_ids": [1], "user_fields": ["name"]}
        make_tenant(
            CORP_ID,
            auth_scope={**granted, "visible_by_agent": {}},
            grant_time=datetime(2026, 11, 20, 9, tzinfo=UTC),
        )

        shown = app.get(part_url("auth-scope")).json()

        assert (shown["auth_scope"], shown["grant_time"]) == (granted, "2026-11-20T09:00:00Z")

    @pytest.mark.parametrize("stored", [None, {"visible_by_agent": {}}])
    def test_a_scope_that_was_never_told_is_null(self, app, make_tenant, stored):
        make_tenant(CORP_ID, auth_scope=stored)

        assert app.get(part_url("auth-scope")).json()["auth_scope"] is None


class TestHistory:
    @pytest.fixture(autouse=True)
    def _moves(self, make_tenant):
        for corp_id in (CORP_ID, "dingcorp0002"):
            tenant = make_tenant(corp_id)
            for number in range(5):
                TenantTransition.objects.create(
                    tenant=tenant,
                    at=datetime(2026, 11, 20, 9, number, tzinfo=UTC),
                    from_state="active" if number else "",
                    to_state="stopped",
                    generation=1,
                    reason=f"{corp_id} {number}",
                )

    def test_all_moves_come_page_by_page_the_newest_first(self, app):
        first = app.get(part_url("history"), {"limit": 3}).json()
        second = app.get(first["next"]).json()

        reasons = [[move["reason"] for move in page["results"]] for page in (first, second)]
        assert reasons == [[f"{CORP_ID} {number}" for number in numbers] for numbers in ((4, 3, 2), (1, 0))]
        assert second["next"] is None
        assert second["results"][-1] == {
            "at": "2026-11-20T09:00:00Z",
            "platform_time": None,
            "from_state": None,
            "to_state": "stopped",
            "reason": f"{CORP_ID} 0",
        }

    def test_a_cursor_of_another_tenants_history_opens_nothing_of_it(self, app):
        foreign = app.get(part_url("history", "dingcorp0002"), {"limit": 3}).json()["next"]

        shown = app.get(f"{part_url('history')}?{foreign.split('?')[1]}").json()["results"]

        assert shown
        assert all(move["reason"].startswith(CORP_ID) for move in shown)

    @pytest.mark.parametrize("cursor", ["!", "cD05OTk5OTk5OTk5OTk5OTk5OTk5", "cD3Zow==", "bz01JnA9MQ=="])
    def test_a_damaged_cursor_is_a_400(self, app, cursor):
        assert app.get(part_url("history"), {"cursor": cursor}).status_code == 400


@pytest.mark.parametrize("part", PARTS)
class TestHiddenTenants:
    @pytest.mark.parametrize(
        ("suite_key", "corp_id"),
        [("suitekey0001", "dingcorp0002"), (OTHER_SUITE_KEY, CORP_ID), ("nosuchsuite", "x"), ("%00", "%FF")],
    )
    def test_the_answer_is_the_same_404(self, make_app, make_tenant, other_suite, part, suite_key, corp_id):
        app = make_app(tenants=[make_tenant(CORP_ID)])
        make_tenant("dingcorp0002")
        make_tenant(CORP_ID, on=other_suite)

        answer = app.get(part_url(part, corp_id, suite_key=suite_key))

        assert (answer.status_code, code_of(answer)) == (404, "tenant_not_found")

    def test_no_part_takes_a_parameter_that_it_does_not_know(self, app, make_tenant, part):
        make_tenant(CORP_ID)

        assert code_of(app.get(part_url(part), {"state": "active"})) == "unknown_parameter"

    def test_no_part_shows_a_secret(self, app, make_tenant, part):
        make_tenant(CORP_ID, agents=[AGENT])

        assert b"permanent-code-of" not in app.get(part_url(part)).content


class TestFilters:
    @pytest.fixture(autouse=True)
    def _companies(self, make_tenant):
        make_tenant("dingcorp0001")
        make_tenant("dingcorp0002", state=TenantState.AUTHORIZING, waiting_for="suite_ticket")
        AuthCorp.objects.filter(corp_id="dingcorp0002").update(name="杭州 Bamboo_Pens 100%")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"waiting_for": "suite_ticket"}, {"dingcorp0002"}),
            ({"name": "bamboo"}, {"dingcorp0002"}),
            ({"name": "公司"}, {"dingcorp0001"}),
            ({"name": "0%"}, {"dingcorp0002"}),
            ({"name": "%"}, {"dingcorp0002"}),
            ({"name": "o_P"}, {"dingcorp0002"}),
            ({"name": "bamboo", "state": "active"}, set()),
        ],
    )
    def test_by_what_it_waits_for_and_by_a_part_of_its_name(self, app, query, found):
        assert corp_ids(app.get(LIST_URL, query)) == found

    def test_by_the_time_of_the_last_change(self, app):
        now = timezone.now()
        Tenant.objects.filter(corp__corp_id="dingcorp0001").update(updated_at=now - timedelta(days=1))

        since = {"updated_since": (now - timedelta(hours=1)).isoformat()}

        assert corp_ids(app.get(LIST_URL, since)) == {"dingcorp0002"}

    @pytest.mark.parametrize(
        ("query", "attr"),
        [
            ({"waiting_for": "godot"}, "waiting_for"),
            ({"name": "n" * 201}, "name"),
            ({"name": "\0"}, "name"),
            ({"updated_since": "yesterday"}, "updated_since"),
            ({"updated_since": "2026-13-01T00:00:00Z"}, "updated_since"),
            ({"updated_since": "\0"}, "updated_since"),
            ({"updated_since": "0001-01-01T00:00:00+14:00"}, "updated_since"),
            ({"updated_since": "9999-12-31T23:59:59-14:00"}, "updated_since"),
        ],
    )
    def test_a_wrong_value_is_a_400_that_names_it(self, app, query, attr):
        answer = app.get(LIST_URL, query)

        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)
