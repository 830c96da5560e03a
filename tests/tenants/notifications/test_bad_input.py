"""Whatever is wrong with a request is said of the member that is wrong, and nothing is sent."""

import pytest

from dingtalk.models import Suite
from tenants.models import AuthCorp, Notification, NotifiedPerson, Tenant, TenantState
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.conftest import make_suite
from tests.tenants.notifications.conftest import HELLO, URL, error_of, says

pytestmark = pytest.mark.django_db

TEMPLATE = {"template_id": "t1", "data": {"name": "张三"}}
CARD = {"title": "a", "markdown": "b", "single_title": "c", "single_url": "d", "btn_json_list": []}
OA = {"message_url": "u", "head": {"bgcolor": "FFBBBBBB", "text": "t"}, "body": {"title": "t"}}
STATUS_BAR = {"status_bar": {"status_value": "a", "status_bg": "0xFF000000"}}
SIX = [f"user{number}" for number in range(6)]


@pytest.fixture
def suite(db: None) -> Suite:
    """One without a platform behind it: nothing here may get so far as to call it."""
    return make_suite(suite_key=SUITE_KEY)


@pytest.fixture
def tenant(suite: Suite) -> Tenant:
    corp = AuthCorp.objects.create(corp_id=CORP_ID)
    return Tenant.objects.create(
        suite=suite, corp=corp, state=TenantState.ACTIVE, agents=[{"agent_id": 1001}]
    )


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({"user_ids": "zhangsan"}, "user_ids", "not_a_list"),
        ({"user_ids": []}, "user_ids", "no_receivers"),
        ({"user_ids": [""]}, "user_ids.0", "blank"),
        ({"user_ids": ["zhangsan,lisi"]}, "user_ids.0", "invalid"),
        ({"user_ids": ["zhang san"]}, "user_ids.0", "invalid"),
        ({"user_ids": ["zhang\nsan"]}, "user_ids.0", "invalid"),
        ({"user_ids": ["u" * 65]}, "user_ids.0", "max_length"),
        ({"user_ids": [None]}, "user_ids.0", "null"),
        ({"user_ids": [{}]}, "user_ids.0", "invalid"),
        ({"user_ids": [f"u{number}" for number in range(101)]}, "user_ids", "max_length"),
        (
            {"user_ids": [f"u{number}" for number in range(1001)], "template": TEMPLATE},
            "user_ids",
            "max_length",
        ),
        ({"dept_ids": list(range(21))}, "dept_ids", "max_length"),
        ({"dept_ids": ["2"]}, "dept_ids.0", "invalid"),
        ({"dept_ids": [2**63]}, "dept_ids.0", "max_value"),
        ({"to_all_users": "true"}, "to_all_users", "invalid"),
        ({"to_all_users": True, "template": TEMPLATE}, "to_all_users", "not_for_templates"),
        ({"strict": 1}, "strict", "invalid"),
        ({"agent_id": "1"}, "agent_id", "invalid"),
        ({"agent_id": True}, "agent_id", "invalid"),
        ({"agent_id": 2**63}, "agent_id", "max_value"),
        ({"message": None}, "message", "null"),
        ({"message": "hello"}, "message", "not_a_dict"),
        ({"message": {"msgtype": "text"}}, "message.text", "required"),
        ({"message": says("")}, "message.text.content", "required"),
        ({"message": says("字" * 700)}, "message", "too_large"),
        ({"message": {"msgtype": "action_card", "action_card": CARD}}, "message.action_card", "either_or"),
        (
            {"message": {"msgtype": "oa", "oa": {**OA, **STATUS_BAR}}, "user_ids": SIX},
            "message.oa.status_bar",
            "too_many_receivers",
        ),
        ({"message": {**HELLO, "at": 1}}, "message.at", "unknown_member"),
        ({"template": {"data": {}}}, "template.template_id", "required"),
        ({"template": {"template_id": "t1", "data": {"days": 3}}}, "template.data.days", "invalid"),
        ({"template": {**TEMPLATE, "data": {f"n{n}": 1 for n in range(101)}}}, "template.data", "max_length"),
        ({"template": {"template_id": 5}}, "template.template_id", "invalid"),
        ({"template": TEMPLATE, "message": HELLO}, "message", "either_or"),
        ({"userids": ["zhangsan"]}, "userids", "unknown_member"),
        ({"template": {**TEMPLATE, "strict": True}}, "template.strict", "unknown_member"),
    ],
)
def test_the_member_that_is_wrong_is_named(app, tenant, body, attr, code):
    answer = app.send(**body)

    assert (answer.status_code, error_of(answer)["attr"], error_of(answer)["code"]) == (400, attr, code)
    assert (Notification.objects.count(), NotifiedPerson.objects.count()) == (0, 0)


def test_a_flood_of_mistakes_is_answered_in_short(app, tenant):
    bodies = [
        {"user_ids": [""] * 50_000},
        {"dept_ids": [""] * 50_000},
        {"message": {"msgtype": "action_card", "action_card": {"btn_json_list": [1] * 50_000}}},
        {f"unknown{number}": 1 for number in range(10_000)},
    ]

    assert [app.send(**body).status_code for body in bodies] == [400] * 4
    assert max(len(app.send(**body).content) for body in bodies) < 4_000


@pytest.mark.parametrize("key", ["", "k" * 129, "with space", "带中文", "tab\tkey"])
def test_a_key_is_needed_and_is_visible_ascii(app, tenant, key):
    headers = {"Idempotency-Key": key} if key else {}

    answer = app.call("post", URL, {"user_ids": ["zhangsan"], "message": HELLO}, **headers)

    assert answer.status_code == 400
    assert error_of(answer)["attr"] == "Idempotency-Key"
    assert error_of(answer)["code"] == ("invalid" if key else "required")


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'{"user_ids": NaN}', b'{"a":' * 5000])
def test_a_body_that_is_no_object_is_refused(app, tenant, body):
    answer = app.call("post", URL, body, **{"Idempotency-Key": "k1"})

    assert (answer.status_code, error_of(answer)["code"]) == (400, "parse_error")
