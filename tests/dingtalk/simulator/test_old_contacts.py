"""The address book as old clients ask for it: flat answers, the token in the query, 40014 for a bad one."""

import json
from typing import Any

import pytest

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

ROLES = [{"role_id": 101, "name": "负责人", "group_id": 100, "group_name": "默认"}]
PEOPLE = [
    {"userid": "boss", "name": "陈静", "dept_id_list": [1], "title": "总经理", "unionid": "unionboss"},
    {"userid": "coder", "name": "赵磊", "dept_id_list": [4, 3], "leads": [4], "role_ids": [101]},
    {"userid": "tester", "name": "孙丽", "dept_id_list": [4], "active": False},
]
DEPARTMENTS = [
    {"dept_id": 2, "name": "研发部"},
    {"dept_id": 3, "name": "市场部"},
    {"dept_id": 4, "name": "测试组", "parent_id": 2},
]
RANGE_LIMITED = [
    ("/user/get", {"userid": "coder"}, 50002),
    ("/user/getUseridByUnionid", {"unionid": "unionboss"}, 50002),
    ("/user/list", {"department_id": "4"}, 50004),
    ("/user/simplelist", {"department_id": "4"}, 50004),
    ("/department/list", {}, 50004),
    ("/department/get", {"id": "2"}, 50004),
]
UNLIMITED = [
    ("/user/getDeptMember", {"deptId": "4"}),
    ("/user/get_admin", {}),
    ("/user/get_org_user_count", {"onlyActive": "0"}),
    ("/department/list_ids", {"id": "1"}),
    ("/department/list_parent_depts_by_dept", {"id": "4"}),
    ("/department/list_parent_depts", {"userId": "coder"}),
]


class Book:
    """A company's address book, asked with one token."""

    def __init__(self, isv: Isv, corp_id: str, token: str) -> None:
        self.isv = isv
        self.corp_id = corp_id
        self.token = token

    def ask(self, path: str, **query: Any) -> Any:
        answer = self.isv.call("GET", path, **{"access_token": self.token, **query})
        assert answer.status_code == 200
        return answer.json()

    def narrow_to_the_third_department(self) -> None:
        scope = {"dept_ids": [3], "user_ids": []}
        self.isv.remote.act(self.isv.suite_key, self.corp_id, "change", silent=True, **scope)


@pytest.fixture
def book(shared_simulator: RunningSimulator) -> Book:
    isv = make_isv(shared_simulator)
    corp_id = make_company(shared_simulator, users=PEOPLE, departments=DEPARTMENTS, roles=ROLES)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return Book(isv, corp_id, isv.corp_token(corp_id))


def test_a_person_is_told_flat(book: Book) -> None:
    person = book.ask("/user/get", userid="coder", lang="zh_CN")

    assert (person["errcode"], person["name"], person["department"]) == (0, "赵磊", [4, 3])
    assert (person["isLeaderInDepts"], person["orderInDepts"]) == ("{4:true,3:false}", "{4:1,3:1}")
    assert person["roles"] == [{"id": 101, "name": "负责人", "groupName": "默认"}]
    assert {"mobile", "email", "tel", "result"}.isdisjoint(person)


def test_members_come_page_by_page_with_details_or_without(book: Book) -> None:
    first = book.ask("/user/simplelist", department_id=4, offset=0, size=1)
    rest = book.ask("/user/list", department_id=4, offset=1, size=1, order="custom")
    whole = book.ask("/user/list", department_id=4)

    assert (first["hasMore"], first["userlist"]) == (True, [{"userid": "coder", "name": "赵磊"}])
    assert (rest["hasMore"], [each["userid"] for each in rest["userlist"]]) == (False, ["tester"])
    assert [(each["isLeader"], each["active"]) for each in whole["userlist"]] == [
        (True, True),
        (False, False),
    ]


def test_people_are_found_and_counted(book: Book) -> None:
    assert book.ask("/user/getUseridByUnionid", unionid="unionboss")["userid"] == "boss"
    assert book.ask("/user/getDeptMember", deptId=4)["userIds"] == ["coder", "tester"]
    assert book.ask("/user/get_admin")["admin_list"] == [{"userid": "boss", "sys_level": 1}]
    assert [book.ask("/user/get_org_user_count", onlyActive=each)["count"] for each in (0, 1)] == [3, 2]


def test_a_suite_is_told_direct_children_of_a_department(book: Book) -> None:
    root = book.ask("/department/list", fetch_child="True")
    below = book.ask("/department/list", id=2)

    assert [each["id"] for each in root["department"]] == [2, 3]
    assert [(each["name"], each["parentid"]) for each in below["department"]] == [("测试组", 2)]
    assert book.ask("/department/list_ids", id=1)["sub_dept_id_list"] == [2, 3]


def test_the_app_of_a_company_is_told_all_that_is_below(book: Book) -> None:
    [company] = [each for each in book.isv.remote.state()["companies"] if each["corp_id"] == book.corp_id]
    [app] = company["internal_apps"]
    book.token = book.ask("/gettoken", appkey=app["app_key"], appsecret=app["app_secret"])["access_token"]

    found = book.ask("/department/list")
    direct = book.ask("/department/list", fetch_child="false")

    assert [each["id"] for each in found["department"]] == [2, 3, 4]
    assert [each["id"] for each in direct["department"]] == [2, 3]


def test_a_department_is_told_with_those_who_lead_it_and_those_above(book: Book) -> None:
    department = book.ask("/department/get", id=4)

    assert (department["parentid"], department["deptManagerUseridList"]) == (2, "coder")
    assert "parentid" not in book.ask("/department/get", id=1)
    assert book.ask("/department/list_parent_depts_by_dept", id=4)["parentIds"] == [4, 2, 1]
    above = json.loads(book.ask("/department/list_parent_depts", userId="coder")["department"])
    assert above == [[4, 2, 1], [3, 1]]


@pytest.mark.parametrize(("path", "query", "errcode"), RANGE_LIMITED)
def test_what_is_outside_the_range_is_refused(
    book: Book, path: str, query: dict[str, str], errcode: int
) -> None:
    assert book.ask(path, **query)["errcode"] == 0

    book.narrow_to_the_third_department()

    # The person of the third department is one of the fourth too.
    wanted = {**query, "userid": "tester"} if "userid" in query else query
    assert book.ask(path, **wanted)["errcode"] == errcode


@pytest.mark.parametrize(("path", "query"), UNLIMITED)
def test_ids_and_counts_are_told_whatever_the_range(book: Book, path: str, query: dict[str, str]) -> None:
    book.narrow_to_the_third_department()

    assert book.ask(path, **query)["errcode"] == 0


@pytest.mark.parametrize(
    ("path", "query", "errcode"),
    [
        ("/user/get", {"userid": "nobody"}, 60121),
        ("/user/get", {}, 40035),
        ("/user/getUseridByUnionid", {"unionid": "nobody"}, 60121),
        ("/user/list", {}, 40009),
        ("/user/list", {"department_id": "99"}, 60003),
        ("/user/list", {"department_id": "4", "size": "101"}, 40069),
        ("/user/list", {"department_id": "4", "offset": "-1"}, 40068),
        ("/user/get_org_user_count", {}, 40035),
        ("/department/get", {"id": "x"}, 40009),
        ("/department/list_parent_depts", {"userId": "nobody"}, 60121),
    ],
)
def test_what_is_not_there_is_refused(book: Book, path: str, query: dict[str, str], errcode: int) -> None:
    assert book.ask(path, **query)["errcode"] == errcode


@pytest.mark.parametrize("path", [each[0] for each in (*RANGE_LIMITED, *UNLIMITED)])
def test_a_bad_token_is_plainly_40014(book: Book, path: str) -> None:
    assert book.ask(path, access_token="made-up")["errcode"] == 40014
