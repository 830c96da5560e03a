"""Data calls: what a token shows, and how each family answers a bad one."""

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company
from tests.dingtalk.simulator.isv import Isv

USER, SUB_DEPARTMENTS = "/topapi/v2/user/get", "/topapi/v2/department/listsub"
PEOPLE = [
    {"userid": "boss", "name": "陈静", "dept_id_list": [1]},
    {"userid": "coder", "name": "赵磊", "dept_id_list": [4]},
]
DEPARTMENTS = [
    {"dept_id": 2, "name": "研发部"},
    {"dept_id": 3, "name": "市场部"},
    {"dept_id": 4, "name": "测试组", "parent_id": 2},
]


@pytest.fixture
def granted(sync_isv: Isv, shared_simulator: RunningSimulator) -> str:
    corp_id = make_company(shared_simulator, users=PEOPLE, departments=DEPARTMENTS)
    sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


def narrow(isv: Isv, corp_id: str, *, dept_ids: list[int], user_ids: list[str]) -> None:
    isv.remote.act(isv.suite_key, corp_id, "change", silent=True, dept_ids=dept_ids, user_ids=user_ids)


def test_a_person_is_shown_without_what_an_isv_may_not_see(sync_isv: Isv, granted: str):
    answer = sync_isv.post(USER, {"userid": "coder"}, access_token=sync_isv.corp_token(granted))

    assert answer["errcode"] == 0
    assert answer["request_id"]
    assert answer["result"]["name"] == "赵磊"
    assert answer["result"]["dept_id_list"] == [4]
    assert {"mobile", "email"}.isdisjoint(answer["result"])


def test_direct_children_of_a_department_are_listed(sync_isv: Isv, granted: str):
    token = sync_isv.corp_token(granted)

    root = sync_isv.post(SUB_DEPARTMENTS, {}, access_token=token)
    below = sync_isv.post(SUB_DEPARTMENTS, {"dept_id": "2"}, access_token=token)

    assert [each["dept_id"] for each in root["result"]] == [2, 3]
    assert [each["name"] for each in below["result"]] == ["测试组"]
    assert below["result"][0]["parent_id"] == 2


def test_what_is_not_there_or_not_granted_is_refused(sync_isv: Isv, granted: str):
    token = sync_isv.corp_token(granted)
    narrow(sync_isv, granted, dept_ids=[3], user_ids=["boss"])

    def errcode(path: str, body: dict) -> int:
        return sync_isv.post(path, body, access_token=token)["errcode"]

    assert errcode(USER, {"userid": "nobody"}) == 60121
    assert errcode(USER, {}) == 400002
    assert errcode(USER, {"userid": "coder"}) == 50002
    assert errcode(USER, {"userid": "boss"}) == 0
    assert errcode(SUB_DEPARTMENTS, {"dept_id": 99}) == 60003
    assert errcode(SUB_DEPARTMENTS, {"dept_id": "x"}) == 400002
    assert errcode(SUB_DEPARTMENTS, {}) == 50004
    assert errcode(SUB_DEPARTMENTS, {"dept_id": 3}) == 0


def test_a_department_below_a_granted_one_is_granted(sync_isv: Isv, granted: str):
    narrow(sync_isv, granted, dept_ids=[2], user_ids=[])

    answer = sync_isv.post(USER, {"userid": "coder"}, access_token=sync_isv.corp_token(granted))

    assert answer["errcode"] == 0


def test_scopes_follow_the_grant(sync_isv: Isv, granted: str):
    narrow(sync_isv, granted, dept_ids=[2, 3], user_ids=["boss"])

    answer = sync_isv.call("GET", "/auth/scopes", access_token=sync_isv.corp_token(granted)).json()

    assert answer["auth_org_scopes"] == {"authed_user": ["boss"], "authed_dept": [2, 3]}


@pytest.mark.parametrize(("token", "sub_code"), [("", "40000"), ("unknown", "40014")])
def test_the_gateway_wraps_a_bad_token_below_topapi(sync_isv: Isv, token: str, sub_code: str):
    answer = sync_isv.post(USER, {"userid": "boss"}, access_token=token)

    assert answer["errcode"] == 88
    assert answer["sub_code"] == sub_code
    assert answer["errmsg"] == f"ding talk error[subcode={sub_code},submsg={answer['sub_msg']}]"


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("unknown", 40014)])
def test_a_bad_token_is_told_plainly_elsewhere(sync_isv: Isv, token: str, errcode: int):
    assert sync_isv.call("GET", "/auth/scopes", access_token=token).json()["errcode"] == errcode


def test_a_token_ends_when_its_time_is_over(sync_isv: Isv, granted: str):
    token = sync_isv.corp_token(granted)
    sync_isv.remote._call("POST", "/_sim/tokens/expire", {"corp_id": granted})

    assert sync_isv.post(USER, {"userid": "boss"}, access_token=token)["sub_code"] == "40014"


def test_a_suite_token_is_no_corp_token(sync_isv: Isv):
    answer = sync_isv.post(USER, {"userid": "boss"}, access_token=sync_isv.suite_token())

    assert answer["sub_code"] == "40014"


def test_topapi_takes_get_and_a_token_in_the_form(sync_isv: Isv, granted: str):
    token = sync_isv.corp_token(granted)

    by_query = sync_isv.call("GET", USER, access_token=token, userid="boss").json()
    by_form = requests.post(
        sync_isv.base_url + USER, data={"access_token": token, "userid": "boss"}, timeout=10
    ).json()

    assert by_query["result"]["name"] == by_form["result"]["name"] == "陈静"
