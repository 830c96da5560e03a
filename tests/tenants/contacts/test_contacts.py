"""The address book by REST: our shape, pages, what is not there or not granted, and nobody else's people."""

import logging
from typing import Any

import pytest
from django.test import Client

from tenants.models import Scope, Tenant, TenantState
from tests.support.onboarding import before_answer, withdrawal_arrives
from tests.support.tenant_calls import (
    CORP_ID,
    HEADCOUNT,
    OTHER_CORP_ID,
    OTHER_SUITE_KEY,
    SUITE_KEY,
    calls_of,
)
from tests.tenants.api.conftest import App, code_of

pytestmark = pytest.mark.django_db

BOOK = f"/api/v1/tenants/{SUITE_KEY}/{CORP_ID}"
MOBILE = "13900001111"
PATHS = [
    *("users/coder", "users/by-union-id/unionOfCoder", "departments", "departments/2"),
    *("departments/2/users", "roles", "roles/101/users"),
]


@pytest.fixture
def app(make_app, tenant) -> App:
    """An app that may read contacts, and sees this one tenant only."""
    return make_app(scopes=(Scope.CONTACTS_READ,), tenants=[tenant])


def post(app: App, url: str, body: Any) -> Any:
    browser = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    headers = {"Authorization": f"Bearer {app.text}"}
    return browser.post(url, body, content_type="application/json", headers=headers)


def everything(app: App, url: str, *, limit: int) -> tuple[list[dict[str, Any]], int]:
    """All entries of all pages, and how many pages there were."""
    entries: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": limit}
    pages = 0
    while True:
        answer = app.get(url, query)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        assert set(page) == {"results", "next_cursor"}
        entries, pages = entries + page["results"], pages + 1
        if page["next_cursor"] is None:
            return entries, pages
        query["cursor"] = page["next_cursor"]


def test_a_person_has_our_shape(app):
    answer = app.get(f"{BOOK}/users/coder", {"language": "en_US"})

    person = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert person == {
        "user_id": "coder",
        "union_id": "unionOfCoder",
        "name": "赵磊",
        "avatar": "",
        "title": "",
        "job_number": "",
        "manager_user_id": "",
        "dept_ids": [2, 4],
        "led_dept_ids": [4],
        "roles": person["roles"],
        "is_active": True,
        "is_real_authed": True,
        "is_senior": False,
        "is_admin": False,
        "is_boss": False,
        "hides_mobile": False,
        "exclusive_account": False,
    }
    assert person["roles"][0] == {"role_id": 101, "name": "负责人", "group_name": "默认"}


def test_a_person_is_found_by_union_id_and_by_mobile_number(app, caplog):
    caplog.set_level(logging.DEBUG)

    by_union_id = app.get(f"{BOOK}/users/by-union-id/unionOfCoder")
    by_mobile = post(app, f"{BOOK}/users/by-mobile", {"mobile": MOBILE})
    by_wrong_mobile = post(app, f"{BOOK}/users/by-mobile", {"mobile": "13700000000"})

    assert by_union_id.json() == by_mobile.json() == app.get(f"{BOOK}/users/coder").json()
    assert (by_wrong_mobile.status_code, code_of(by_wrong_mobile)) == (404, "not_found")
    assert MOBILE not in caplog.text
    assert "13700000000" not in caplog.text + by_wrong_mobile.content.decode()


def test_departments_are_listed_one_level_at_a_time(app):
    root, below = app.get(f"{BOOK}/departments"), app.get(f"{BOOK}/departments", {"parent_id": 2})
    detail = app.get(f"{BOOK}/departments/4").json()

    assert [(each["dept_id"], each["name"]) for each in root.json()["results"]] == [
        (2, "研发部"),
        (3, "市场部"),
    ]
    assert below.json() == {
        "results": [
            {
                "dept_id": 4,
                "name": "测试组",
                "parent_id": 2,
                "creates_group": False,
                "adds_users": False,
            }
        ],
        "next_cursor": None,
    }
    assert (detail["parent_id"], detail["manager_user_ids"]) == (2, ["coder"])
    assert app.get(f"{BOOK}/departments/1").json()["parent_id"] is None


def test_the_pages_of_a_department_hold_everybody_once(app):
    people = {
        dept_id: everything(app, f"{BOOK}/departments/{dept_id}/users", limit=25) for dept_id in (1, 2, 3, 4)
    }

    (in_research, pages) = people[2]
    assert pages == 4
    assert len({person["user_id"] for person in in_research}) == len(in_research) > 75
    found = {person["user_id"] for entries, _pages in people.values() for person in entries}
    assert len(found) == HEADCOUNT
    assert everything(app, f"{BOOK}/departments/2/users", limit=100)[0] == in_research


def test_roles_and_who_has_one_come_in_pages(app):
    roles, pages = everything(app, f"{BOOK}/roles", limit=1)
    holders, _pages = everything(app, f"{BOOK}/roles/101/users", limit=1)

    assert pages == 3
    assert roles[0] == {"role_id": 101, "name": "负责人", "group_id": 100, "group_name": "默认"}
    assert holders[1] == {
        "user_id": "coder",
        "name": "赵磊",
        "managed": [{"dept_id": 4, "name": "测试组"}],
    }


NOT_THERE = [
    *("users/nobody", "users/by-union-id/nobody", "departments/99", "departments/99/users", "roles/9/users"),
    "departments?parent_id=99",
]
NO_ID = [
    *(f"users/{'x' * 65}", "users/a%20b", "users/%00", "users/%E5%BC%A0", "users/a%25b", "users/%3Cb%3E"),
    *("users/by-union-id/a%22b", "departments/0", "departments/-7", "departments/x", "departments/1e3"),
    *("departments/%D9%A1", f"departments/{'9' * 19}", "departments/01/users", "roles/0x1/users"),
]


def test_what_the_company_does_not_have_is_a_404_with_dingtalks_code(app):
    for path in NOT_THERE:
        answer = app.get(f"{BOOK}/{path}")

        assert (answer.status_code, code_of(answer)) == (404, "not_found"), path
        assert answer.json()["errors"][0]["dingtalk_code"] in ("60121", "60003", "33011")
        assert answer.json()["errors"][0]["dingtalk_request_id"]


def test_what_can_be_no_id_is_a_404_and_dingtalk_is_not_asked(app, platform):
    before = len(platform.remote.calls()["calls"])

    for path in NO_ID:
        answer = app.get(f"{BOOK}/{path}")
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), path

    assert len(platform.remote.calls()["calls"]) == before


@pytest.mark.usefixtures("narrowed")
def test_what_the_company_has_not_granted_is_a_403(app):
    for path in ("users/coder", "users/by-union-id/unionOfCoder", "departments", "departments/4/users"):
        answer = app.get(f"{BOOK}/{path}")

        assert (answer.status_code, code_of(answer)) == (403, "dingtalk_permission"), path
        assert answer.json()["errors"][0]["dingtalk_code"] in ("50002", "50004")
    assert app.get(f"{BOOK}/users/boss").status_code == 200


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        (60011, 403, "dingtalk_permission"),
        (60020, 502, "dingtalk_refused"),
        (400002, 400, "dingtalk_parameter"),
        (-1, 503, "dingtalk_unavailable"),
        (90018, 503, "dingtalk_rate_limited"),
    ],
)
def test_other_refusals_of_dingtalk_are_told_by_what_to_do(app, platform, code, status, ours):
    platform.remote.add_fault(endpoint="/topapi/v2/user/get", kind="errcode", code=code)

    answer = app.get(f"{BOOK}/users/coder")

    assert (answer.status_code, code_of(answer)) == (status, ours)
    assert answer.json()["errors"][0]["dingtalk_code"] == str(code)


def test_a_refused_token_is_renewed_and_the_call_repeated_once(app, platform):
    assert app.get(f"{BOOK}/users/boss").status_code == 200
    before = len(calls_of(platform, "/topapi/v2/user/get"))
    platform.remote._call("POST", "/_sim/tokens/expire", {"corp_id": CORP_ID})

    answer = app.get(f"{BOOK}/users/boss")

    assert answer.status_code == 200
    assert [call["code"] for call in calls_of(platform, "/topapi/v2/user/get")[before:]] == [88, 0]


WRONG_PARAMETERS = [
    ("users/coder", {"language": "de"}, "language"),
    ("users/coder", {"lang": "en_US"}, "lang"),
    ("departments", {"parent_id": "0"}, "parent_id"),
    ("departments", {"parent_id": "9" * 30}, "parent_id"),
    ("departments/2/users", {"limit": "101"}, "limit"),
    ("departments/2/users", {"limit": "0"}, "limit"),
    ("departments/2/users", {"cursor": "-1"}, "cursor"),
    ("departments/2/users", {"cursor": "\0"}, "cursor"),
    ("roles", {"cursor": "9" * 60}, "cursor"),
]


def test_a_parameter_that_is_wrong_is_named(app):
    for path, query, attr in WRONG_PARAMETERS:
        answer = app.get(f"{BOOK}/{path}", query)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"] == attr


def test_what_is_no_mobile_number_is_a_400(app):
    for mobile in ("", "x", "1" * 21, "138 0000 0000", "+", None, 13900001111.5, ["1"]):
        assert post(app, f"{BOOK}/users/by-mobile", {"mobile": mobile}).status_code == 400, mobile


def test_another_tenant_looks_like_none_and_dingtalk_is_not_asked(app, platform, hidden_tenants):
    before = len(platform.remote.calls()["calls"])

    hidden = [
        app.get(f"/api/v1/tenants/{suite_key}/{corp_id}/{path}")
        for path in [*PATHS, *NO_ID[:2]]
        for suite_key, corp_id in [
            (SUITE_KEY, OTHER_CORP_ID),
            (OTHER_SUITE_KEY, CORP_ID),
            ("nosuchsuite", "dingnobody"),
        ]
    ]

    assert {(answer.status_code, code_of(answer)) for answer in hidden} == {(404, "tenant_not_found")}
    assert len({answer.content for answer in hidden}) == 1
    assert len(platform.remote.calls()["calls"]) == before


def test_a_mobile_number_finds_nobody_of_another_tenant(app, hidden_tenants):
    url = f"/api/v1/tenants/{OTHER_SUITE_KEY}/{CORP_ID}/users/by-mobile"

    assert code_of(post(app, url, {"mobile": MOBILE})) == "tenant_not_found"


def test_without_the_scope_nobody_is_shown(make_app, tenant):
    app = make_app(scopes=[scope for scope in Scope if scope != Scope.CONTACTS_READ])

    for path in PATHS:
        answer = app.get(f"{BOOK}/{path}")
        assert (answer.status_code, code_of(answer)) == (403, "insufficient_scope"), path


def test_a_company_that_has_withdrawn_is_not_asked(app, platform):
    Tenant.objects.update(state=TenantState.RELIEVED, permanent_code=None)
    before = len(platform.remote.calls()["calls"])

    answer = app.get(f"{BOOK}/users/coder")

    assert (answer.status_code, code_of(answer)) == (409, "tenant_not_active")
    assert len(platform.remote.calls()["calls"]) == before


@pytest.mark.parametrize(
    ("call", "ask"),
    [
        ("get_user_id_by_union_id", lambda app: app.get(f"{BOOK}/users/by-union-id/unionOfCoder")),
        ("get_user_id_by_mobile", lambda app: post(app, f"{BOOK}/users/by-mobile", {"mobile": MOBILE})),
    ],
)
def test_one_that_withdraws_between_two_calls_gets_no_second_one(
    app, platform, suite, monkeypatch, call, ask
):
    before_answer(monkeypatch, call, lambda: withdrawal_arrives(suite))
    before = len(calls_of(platform, "/topapi/v2/user/get"))

    answer = ask(app)

    assert (answer.status_code, code_of(answer)) == (409, "tenant_not_active")
    assert len(calls_of(platform, "/topapi/v2/user/get")) == before
