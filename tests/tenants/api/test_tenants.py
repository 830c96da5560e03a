"""Listing and showing tenants: what a key covers, page by page, and no secret."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.db.utils import OperationalError
from django.utils.dateparse import parse_datetime

from tenants.models import TenantState, TenantTransition
from tests.tenants.api.conftest import LIST_URL, OTHER_SUITE_KEY, TOKEN, call, code_of, detail_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def three_companies(make_tenant, other_suite):
    """Two companies on the first suite, of which one is on the second suite too."""
    return [
        make_tenant("dingcorp0001"),
        make_tenant("dingcorp0002"),
        make_tenant("dingcorp0001", on=other_suite),
    ]


def listed(answer) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.content
    return [(tenant["suite_key"], tenant["corp_id"]) for tenant in answer.json()["results"]]


def test_an_app_sees_the_tenants_of_its_suites_newest_first(three_companies, make_app):
    assert listed(make_app().get(LIST_URL)) == [
        ("suitekey0001", "dingcorp0002"),
        ("suitekey0001", "dingcorp0001"),
    ]


def test_an_app_of_two_suites_sees_both(three_companies, make_app, suite, other_suite):
    assert len(listed(make_app(suites=[suite, other_suite]).get(LIST_URL))) == 3


def test_an_app_with_named_tenants_sees_only_these(three_companies, make_app):
    assert listed(make_app(tenants=[three_companies[0]]).get(LIST_URL)) == [("suitekey0001", "dingcorp0001")]


def test_a_named_tenant_of_another_suite_stays_hidden(three_companies, make_app):
    assert listed(make_app(tenants=three_companies[1:]).get(LIST_URL)) == [("suitekey0001", "dingcorp0002")]


def test_an_app_with_no_named_tenant_left_sees_none(three_companies, make_app):
    app = make_app(tenants=[three_companies[0]])
    app.client.tenants.clear()

    assert listed(app.get(LIST_URL)) == []


@pytest.mark.parametrize(
    "state", [TenantState.ACTIVE, TenantState.AUTHORIZING, TenantState.STOPPED, TenantState.RELIEVED]
)
def test_a_tenant_in_any_state_is_shown(app, make_tenant, state):
    make_tenant("dingcorp0001", state=state)

    answer = app.get(detail_url("dingcorp0001"))

    assert (answer.status_code, answer.json()["state"]) == (200, state)


def test_a_tenant_is_shown_with_all_that_an_app_needs(app, make_tenant):
    make_tenant(
        "dingcorp0001",
        state=TenantState.AUTHORIZING,
        waiting_for="suite_ticket",
        agents=[
            {"agent_id": 1001, "app_id": 55, "name": "考勤", "logo_url": "", "admin_user_ids": ["admin1"]}
        ],
        auth_scope={"user_ids": [], "dept_ids": [1], "user_fields": ["name"]},
        authorized_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
    )

    shown = app.get(detail_url("dingcorp0001")).json()

    assert shown["corp"]["name"] == "公司 dingcorp0001"
    assert shown["waiting_for"] == "suite_ticket"
    assert shown["agents"][0]["agent_id"] == 1001
    assert shown["auth_scope"]["dept_ids"] == [1]
    assert shown["authorized_at"] == "2026-11-20T09:00:00Z"
    assert shown["activated_at"] is None
    assert parse_datetime(shown["created_at"]).tzinfo == UTC


def test_a_tenant_that_waits_for_nothing_says_null(app, make_tenant):
    make_tenant("dingcorp0001")

    assert app.get(detail_url("dingcorp0001")).json()["waiting_for"] is None


def test_the_last_twenty_changes_of_state_are_shown_newest_first(app, make_tenant):
    tenant = make_tenant("dingcorp0001")
    start = datetime(2026, 11, 20, 9, tzinfo=UTC)
    for number in range(25):
        TenantTransition.objects.create(
            tenant=tenant,
            at=start + timedelta(minutes=number),
            from_state="" if number == 0 else "active",
            to_state="active",
            generation=1,
            reason=f"{number}",
        )

    shown = app.get(detail_url("dingcorp0001")).json()["transitions"]

    assert [transition["reason"] for transition in shown] == [str(number) for number in range(24, 4, -1)]
    assert shown[0]["at"] == "2026-11-20T09:24:00Z"


def test_neither_list_nor_detail_shows_a_secret(app, make_tenant, suite):
    make_tenant("dingcorp0001")

    text = app.get(LIST_URL).content.decode() + app.get(detail_url("dingcorp0001")).content.decode()

    for secret in (TOKEN, "permanent-code-of", suite.suite_secret, suite.callback_token, suite.path_slug):
        assert secret not in text
    assert "permanent_code" not in text and "secret" not in text


def test_a_list_costs_the_same_queries_however_long_it_is(app, make_tenant, django_assert_num_queries):
    for number in range(12):
        make_tenant(f"dingcorp{number:04}")
    app.get(LIST_URL)

    with django_assert_num_queries(2):
        app.get(LIST_URL)


class TestHiddenTenants:
    """What a key does not cover is answered as what is not there."""

    @pytest.mark.parametrize(
        ("suite_key", "corp_id"),
        [
            ("suitekey0001", "dingnobody"),
            ("suitekey0001", "dingcorp0002"),
            (OTHER_SUITE_KEY, "dingcorp0001"),
            (OTHER_SUITE_KEY, "dingnobody"),
            ("nosuchsuite", "dingcorp0001"),
            ("suitekey0001", "DINGCORP0001"),
            ("suitekey0001", "dingcorp0001%00"),
            ("suitekey0001%00", "dingcorp0001"),
            ("suitekey0001", "%00"),
            ("suitekey0001", "dingcorp0001%0A"),
            ("suitekey0001", "%20dingcorp0001"),
            ("suitekey0001", "ding%E4%BC%81"),
            ("suitekey0001", "ding%FF%FE"),
            ("suitekey0001", "d" * 65),
            ("suitekey0001", "d" * 5000),
            ("s" * 129, "dingcorp0001"),
            ("suitekey0001", "' OR 1=1 --"),
            ("suitekey0001", "{corp_id}"),
            ("suitekey0001", "%25"),
        ],
    )
    def test_the_answer_is_the_same_404(self, three_companies, make_app, suite_key, corp_id):
        app = make_app(tenants=[three_companies[0]])

        answer = app.get(detail_url(corp_id, suite_key))

        assert answer.status_code == 404
        assert answer.json() == {
            "type": "client_error",
            "errors": [{"code": "tenant_not_found", "detail": "No such tenant.", "attr": None}],
        }

    def test_a_tenant_that_is_hidden_costs_the_same_work_as_none(
        self, three_companies, make_app, django_assert_num_queries
    ):
        app = make_app(tenants=[three_companies[0]])
        app.get(LIST_URL)

        for corp_id in ("dingcorp0002", "dingnobody"):
            with django_assert_num_queries(2):
                app.get(detail_url(corp_id))


class TestPages:
    """Pages follow one another without a gap, and a cursor opens nothing."""

    @pytest.fixture(autouse=True)
    def _companies(self, make_tenant):
        for number in range(7):
            make_tenant(f"dingcorp{number:04}", state=TenantState.STOPPED)

    def test_pages_follow_one_another_to_the_end_and_back(self, app):
        first = app.get(LIST_URL, {"limit": 3})
        second = app.get(first.json()["next"])
        third = app.get(second.json()["next"])
        back = app.get(third.json()["previous"])

        pages = [[corp_id[-1] for _suite, corp_id in listed(page)] for page in (first, second, third, back)]
        assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"], ["3", "2", "1"]]
        assert first.json()["previous"] is None and third.json()["next"] is None

    def test_a_tenant_that_comes_meanwhile_moves_no_page(self, app, make_tenant):
        first = app.get(LIST_URL, {"limit": 3})
        make_tenant("dingcorp9999", state=TenantState.STOPPED)

        assert listed(app.get(first.json()["next"]))[0][1] == "dingcorp0003"

    @pytest.mark.parametrize(
        "limit", ["0", "-1", "201", "1000000000", "9" * 5000, "1.5", "x", "٣", "1e2", "+5", " 5"]
    )
    def test_a_limit_out_of_range_is_a_400(self, app, limit):
        answer = app.get(LIST_URL, {"limit": limit})

        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "limit")

    @pytest.mark.parametrize("limit", [1, 200])
    def test_the_ends_of_the_range_are_fine(self, app, limit):
        assert len(listed(app.get(LIST_URL, {"limit": limit}))) == min(limit, 7)

    @pytest.mark.parametrize(
        "content",
        [
            b"p=1",
            b"p=" + b"0" * 32,
            b"p=2026-11-20+09:00:00",
            b"p=",
            b"o=5",
            b"o=-1&p=019abcde-0000-7000-8000-000000000000",
            b"o=3&p=019abcde-0000-7000-8000-000000000000",
            b"r=x&p=019abcde-0000-7000-8000-000000000000",
            b"\xff\xfe",
            b"p=%00",
            b"",
        ],
    )
    def test_a_cursor_that_we_did_not_make_is_a_400(self, app, content):
        answer = app.get(LIST_URL, {"cursor": base64.b64encode(content).decode() or "="})

        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "cursor")

    @pytest.mark.parametrize("cursor", ["!", "é", "cD0", "x" * 5000, "\0"])
    def test_a_damaged_cursor_is_a_400(self, app, cursor):
        answer = app.get(LIST_URL, {"cursor": cursor})

        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "cursor")

    def test_a_cursor_of_another_app_shows_nothing_of_what_it_sees(
        self, app, make_app, make_tenant, other_suite
    ):
        for number in range(4):
            make_tenant(f"dinghidden{number}", on=other_suite)
        foreign = make_app("报销后台", suites=[other_suite]).get(LIST_URL, {"limit": 2}).json()["next"]

        seen = listed(
            app.get(
                LIST_URL,
                {"cursor": urlsplit(foreign).query.split("cursor=")[1].split("&")[0].replace("%3D", "=")},
            )
        )

        assert seen and all(suite_key == "suitekey0001" for suite_key, _corp_id in seen)


class TestFilters:
    """A closed list of exact filters."""

    def test_by_state_company_and_suite(self, three_companies, make_app, make_tenant, suite, other_suite):
        make_tenant("dingcorp0003", state=TenantState.STOPPED)
        app = make_app(suites=[suite, other_suite])

        assert listed(app.get(LIST_URL, {"state": "stopped"})) == [("suitekey0001", "dingcorp0003")]
        assert len(listed(app.get(LIST_URL, {"corp_id": "dingcorp0001"}))) == 2
        assert listed(app.get(LIST_URL, {"corp_id": "dingcorp0001", "suite_key": OTHER_SUITE_KEY})) == [
            (OTHER_SUITE_KEY, "dingcorp0001")
        ]

    def test_a_filter_for_what_the_key_does_not_cover_finds_nothing(self, three_companies, app):
        assert listed(app.get(LIST_URL, {"suite_key": OTHER_SUITE_KEY})) == []

    @pytest.mark.parametrize(
        ("query", "attr"),
        [
            ({"state": "asleep"}, "state"),
            ({"corp_id": "d" * 65}, "corp_id"),
            ({"corp_id": "ding\0"}, "corp_id"),
            ({"suite_key": "s" * 129}, "suite_key"),
            ({"corp_id": ""}, "corp_id"),
            ({"corp_id": " "}, "corp_id"),
            ({"state": ["active", "stopped"]}, "state"),
            ({"corpid": "dingcorp0001"}, "corpid"),
            ({"corp_id__startswith": "ding"}, "corp_id__startswith"),
            ({"permanent_code": "x"}, "permanent_code"),
            ({"suite__suite_secret": "x"}, "suite__suite_secret"),
            ({"ordering": "permanent_code"}, "ordering"),
            ({"_connector": "OR"}, "_connector"),
            ({"offset": "5"}, "offset"),
            ({"page": "5"}, "page"),
            ({"\0": "x"}, "\0"),
        ],
    )
    def test_anything_else_is_a_400_that_names_it(self, app, query, attr):
        answer = app.get(LIST_URL, query)

        assert answer.status_code == 400
        assert answer.json()["type"] == "validation_error"
        assert [error["attr"] for error in answer.json()["errors"]] == [attr]

    def test_details_take_no_parameter(self, app, make_tenant):
        make_tenant("dingcorp0001")

        assert code_of(app.get(detail_url("dingcorp0001"), {"expand": "suite"})) == "unknown_parameter"


def test_errors_speak_the_callers_language_and_keep_their_codes():
    english, chinese = call(LIST_URL), call(LIST_URL, **{"Accept-Language": "zh-CN"})

    assert code_of(english) == code_of(chinese) == "not_authenticated"
    assert "身份" in chinese.json()["errors"][0]["detail"]
    assert "credentials" in english.json()["errors"][0]["detail"]


def test_no_answer_is_to_be_kept(app, make_tenant):
    make_tenant("dingcorp0001")
    answers = [
        app.get(LIST_URL),
        app.get(detail_url("dingcorp0001")),
        app.get(detail_url("x")),
        call(LIST_URL),
    ]

    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


def test_without_a_database_the_answer_is_503(app, monkeypatch):
    def away(*_args, **_options):
        raise OperationalError("could not connect to server at 10.0.0.7")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
    answer = app.get(LIST_URL)
    monkeypatch.undo()

    assert (answer.status_code, code_of(answer)) == (503, "temporarily_unavailable")
    assert "10.0.0.7" not in answer.content.decode()
    assert answer["Retry-After"] == "5"
