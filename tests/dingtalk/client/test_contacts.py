"""The address book: the client and the simulator, which share no code, agree; odd answers are read."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from dingtalk.client import DingTalkClient, SuiteIdentity
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import ApiError, TransportError
from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.client.client_calls import CORP_TOKEN, OAPI, make_client
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

DEPARTMENTS = [
    {"dept_id": 2, "name": "研发部"},
    {"dept_id": 3, "name": "市场部"},
    {"dept_id": 4, "name": "测试组", "parent_id": 2},
]
NAMED = [
    {"userid": "boss", "name": "陈静", "role_ids": [101]},
    {
        "userid": "coder",
        "name": "赵磊",
        "unionid": "unionOfCoder",
        "mobile": "13900001111",
        "dept_id_list": [2, 4],
        "leads": [4],
        "role_ids": [101, 201],
    },
]
ROLES = [
    {"role_id": 101, "name": "负责人", "group_id": 100, "group_name": "默认"},
    {"role_id": 102, "name": "主管", "group_id": 100, "group_name": "默认"},
    {"role_id": 201, "name": "财务", "group_id": 200, "group_name": "职务"},
]
HEADCOUNT = 250


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(options=SimulatorOptions(), seed={}) as running:
        yield running


@pytest.fixture(scope="module")
def isv(simulator: RunningSimulator) -> Isv:
    return make_isv(simulator, push_mode="sync_http")


@pytest.fixture(scope="module")
def corp_id(simulator: RunningSimulator, isv: Isv) -> str:
    """A company of 250 people that has granted everything."""
    company = {"users": NAMED, "departments": DEPARTMENTS, "roles": ROLES, "auth_level": 2}
    corp_id = make_company(simulator, headcount=HEADCOUNT, **company)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


@pytest.fixture(scope="module")
def client(simulator: RunningSimulator) -> DingTalkClient:
    return make_client(simulator.base_url)


@pytest.fixture(scope="module")
def token(client: DingTalkClient, isv: Isv, corp_id: str) -> str:
    identity = SuiteIdentity(suite_key=isv.suite_key, suite_secret=isv.secret, suite_ticket=isv.ticket)
    return client.get_corp_access_token(identity, corp_id=corp_id).token


@pytest.fixture
def narrow(isv: Isv, corp_id: str) -> Iterator[None]:
    """The company lets the app see the marketing department and one person only."""

    def change(dept_ids: list[int], user_ids: list[str]) -> None:
        isv.remote.act(isv.suite_key, corp_id, "change", silent=True, dept_ids=dept_ids, user_ids=user_ids)

    change([3], ["boss"])
    yield
    change([1], [])


def test_a_person_is_read_whole(client: DingTalkClient, token: str):
    person = client.get_user(corp_access_token=token, user_id="coder", language="en_US")

    assert (person.user_id, person.union_id, person.name) == ("coder", "unionOfCoder", "赵磊")
    assert (person.dept_ids, person.led_dept_ids) == ((2, 4), (4,))
    assert [(role.role_id, role.group_name) for role in person.roles] == [(101, "默认"), (201, "职务")]
    assert (person.is_active, person.is_admin, person.exclusive_account) == (True, False, False)
    assert person.mobile == ""
    assert "赵磊" not in repr(person)


def test_a_person_is_found_by_union_id_and_by_mobile_number(client: DingTalkClient, token: str):
    assert client.get_user_id_by_union_id(corp_access_token=token, union_id="unionOfCoder") == "coder"
    assert client.get_user_id_by_mobile(corp_access_token=token, mobile="13900001111") == "coder"


def test_all_pages_of_a_department_have_everybody_once(client: DingTalkClient, token: str):
    wanted = client.list_user_ids(corp_access_token=token, dept_id=2)
    cursor: int | None = 0
    found: list[str] = []
    simple: list[str] = []
    pages = 0
    while cursor is not None:
        page = client.list_users(corp_access_token=token, dept_id=2, cursor=cursor, size=50)
        names = client.list_simple_users(corp_access_token=token, dept_id=2, cursor=cursor, size=50)
        assert names.next_cursor == page.next_cursor
        found += [person.user_id for person in page.users]
        simple += [person.user_id for person in names.users]
        cursor, pages = page.next_cursor, pages + 1

    assert pages > 2
    assert found == simple == wanted
    assert len(set(found)) == len(found) > 100


def test_who_leads_the_listed_department_is_seen_in_the_list(client: DingTalkClient, token: str):
    def led(dept_id: int) -> dict[str, tuple[int, ...]]:
        page = client.list_users(corp_access_token=token, dept_id=dept_id)
        return {person.user_id: person.led_dept_ids for person in page.users}

    assert (led(4)["coder"], led(2)["coder"]) == ((4,), ())


def test_departments_are_walked_down_and_up(client: DingTalkClient, token: str):
    root = client.list_sub_departments(corp_access_token=token)
    detail = client.get_department(corp_access_token=token, dept_id=4)

    assert [(each.dept_id, each.name, each.parent_id) for each in root] == [
        (2, "研发部", 1),
        (3, "市场部", 1),
    ]
    assert client.list_sub_department_ids(corp_access_token=token, dept_id=2) == [4]
    assert (detail.name, detail.parent_id, detail.manager_user_ids) == ("测试组", 2, ("coder",))
    assert client.get_department(corp_access_token=token, dept_id=1).parent_id is None
    assert client.list_parents_of_department(corp_access_token=token, dept_id=4) == [4, 2, 1]
    assert client.list_parents_of_user(corp_access_token=token, user_id="coder") == [[2, 1], [4, 2, 1]]


def test_roles_come_in_pages_and_so_do_those_who_have_one(client: DingTalkClient, token: str):
    first = client.list_roles(corp_access_token=token, size=2)
    second = client.list_roles(corp_access_token=token, offset=first.next_offset or 0, size=2)
    some = client.list_role_users(corp_access_token=token, role_id=101, size=1)
    rest = client.list_role_users(corp_access_token=token, role_id=101, offset=some.next_offset or 0, size=1)

    assert [(role.role_id, role.group_id) for role in first.roles + second.roles] == [
        (101, 100), (102, 100), (201, 200),
    ]  # fmt: skip
    assert (first.next_offset, second.next_offset) == (2, None)
    assert [user.user_id for user in some.users + rest.users] == ["boss", "coder"]
    assert (rest.next_offset, rest.users[0].managed[0].name) == (None, "测试组")
    assert client.get_role(corp_access_token=token, role_id=201).name == "财务"


def test_the_company_itself_is_counted_and_known(client: DingTalkClient, token: str, corp_id: str):
    [administrator] = client.list_administrators(corp_access_token=token)
    info = client.get_organization_auth_info(corp_access_token=token, corp_id=corp_id)

    assert (administrator.user_id, administrator.is_main) == ("boss", True)
    assert client.count_users(corp_access_token=token) == HEADCOUNT
    assert client.count_users(corp_access_token=token, only_active=True) < HEADCOUNT
    assert (info.auth_level, info.legal_person) == (2, "陈静")


def test_who_may_manage_the_app_is_told(client: DingTalkClient, isv: Isv, token: str):
    app_id = isv.remote._call("GET", f"/_sim/suites/{isv.suite_key}")["app_id"]

    def may(app_id: int, user_id: str) -> bool:
        return client.can_access_microapp(corp_access_token=token, app_id=app_id, user_id=user_id)

    assert [may(app_id, "boss"), may(app_id, "coder"), may(app_id + 1, "boss")] == [True, False, False]


def refused(call: Callable[[], Any]) -> tuple[str, Action]:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.code, caught.value.action


NOBODY: list[tuple[str, Callable[[DingTalkClient, str], Any]]] = [
    ("60121", lambda it, token: it.get_user(corp_access_token=token, user_id="nobody")),
    ("33012", lambda it, token: it.get_user(corp_access_token=token, user_id="x" * 65)),
    ("60121", lambda it, token: it.get_user_id_by_union_id(corp_access_token=token, union_id="nobody")),
    ("60121", lambda it, token: it.get_user_id_by_mobile(corp_access_token=token, mobile="13800000000")),
    ("33012", lambda it, token: it.list_parents_of_user(corp_access_token=token, user_id="nobody")),
    ("60003", lambda it, token: it.get_department(corp_access_token=token, dept_id=99)),
    ("60003", lambda it, token: it.list_sub_departments(corp_access_token=token, dept_id=99)),
    ("60003", lambda it, token: it.list_sub_department_ids(corp_access_token=token, dept_id=99)),
    ("60003", lambda it, token: it.list_users(corp_access_token=token, dept_id=99)),
    ("33011", lambda it, token: it.get_role(corp_access_token=token, role_id=9)),
    ("33011", lambda it, token: it.list_role_users(corp_access_token=token, role_id=9)),
]


@pytest.mark.parametrize(("code", "call"), NOBODY)
def test_what_is_not_there_is_not_found(
    client: DingTalkClient, token: str, code: str, call: Callable[[DingTalkClient, str], Any]
):
    assert refused(lambda: call(client, token)) == (code, Action.NOT_FOUND)


WRONG: list[tuple[str, Callable[[DingTalkClient, str], Any]]] = [
    ("40035", lambda it, token: it.list_users(corp_access_token=token, dept_id=2, size=101)),
    ("40068", lambda it, token: it.list_simple_users(corp_access_token=token, dept_id=2, cursor=-1)),
    ("40069", lambda it, token: it.list_simple_users(corp_access_token=token, dept_id=2, size=0)),
    ("40069", lambda it, token: it.list_roles(corp_access_token=token, size=201)),
    ("40069", lambda it, token: it.list_role_users(corp_access_token=token, role_id=101, size=101)),
    ("400002", lambda it, token: it.get_user(corp_access_token=token, user_id="")),
    ("400002", lambda it, token: it.get_user(corp_access_token=token, user_id="boss", language="de")),
    ("40009", lambda it, token: it.get_department(corp_access_token=token, dept_id=-7)),
    ("invalidParameter.system.param", lambda it, token: it.get_organization_auth_info(
        corp_access_token=token, corp_id="")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "call"), WRONG)
def test_what_cannot_be_asked_is_a_wrong_parameter(
    client: DingTalkClient, token: str, code: str, call: Callable[[DingTalkClient, str], Any]
):
    assert refused(lambda: call(client, token)) == (code, Action.PARAM)


@pytest.mark.usefixtures("narrow")
def test_what_is_outside_the_granted_range_is_a_missing_permission(client: DingTalkClient, token: str):
    calls: list[tuple[str, Callable[[], Any]]] = [
        ("50002", lambda: client.get_user(corp_access_token=token, user_id="coder")),
        ("50002", lambda: client.get_user_id_by_union_id(corp_access_token=token, union_id="unionOfCoder")),
        ("50004", lambda: client.list_users(corp_access_token=token, dept_id=2)),
        ("50004", lambda: client.list_sub_departments(corp_access_token=token)),
        ("50004", lambda: client.get_department(corp_access_token=token, dept_id=4)),
    ]

    for code, call in calls:
        assert refused(call) == (code, Action.PERMISSION)
    assert client.get_user(corp_access_token=token, user_id="boss").name == "陈静"
    assert client.list_user_ids(corp_access_token=token, dept_id=2)
    assert client.list_sub_department_ids(corp_access_token=token) == [2, 3]


def answered(path: str, answer: dict[str, Any], call: Callable[[DingTalkClient], Any]) -> Any:
    with responses.RequestsMock() as dingtalk:
        dingtalk.post(OAPI + path, json=answer)
        return call(make_client())


def test_an_answer_as_the_samples_print_it_is_read():
    person = {"userid": "u1", "active": "true", "admin": "false", "dept_id_list": "2", "leader": "true"}
    result = {"has_more": "false", "next_cursor": 10, "list": person}

    page = answered(
        "/topapi/v2/user/list",
        {"errcode": "0", "result": result},
        lambda client: client.list_users(corp_access_token=CORP_TOKEN, dept_id=2),
    )

    assert page.next_cursor is None
    [user] = page.users
    assert (user.is_active, user.is_admin, user.is_boss) == (True, False, None)
    assert (user.dept_ids, user.led_dept_ids, user.roles) == ((2,), (2,), ())


def test_the_phone_number_that_a_companys_own_app_gets_is_read_and_not_shown():
    person = answered(
        "/topapi/v2/user/get",
        {"errcode": 0, "result": {"userid": "u1", "mobile": "13900001111", "hired_date": "1597573616828"}},
        lambda client: client.get_user(corp_access_token=CORP_TOKEN, user_id="u1"),
    )

    assert (person.mobile, person.hired_at_ms) == ("13900001111", 1_597_573_616_828)
    assert "13900001111" not in repr(person)


@pytest.mark.parametrize(
    "result",
    [
        {"list": [{"userid": "u1"}]},
        {"has_more": True, "list": [{"userid": "u1"}]},
        {"has_more": True, "next_cursor": 0, "list": [{"userid": "u1"}]},
        {"has_more": False, "list": [{"name": "nobody"}]},
        {"has_more": False, "list": ["u1"]},
        {"has_more": False, "list": True},
        [],
        None,
    ],
)
def test_a_page_that_could_lose_somebody_or_never_end_is_no_answer(result: Any):
    with pytest.raises(TransportError):
        answered(
            "/topapi/v2/user/list",
            {"errcode": 0, "result": result},
            lambda client: client.list_users(corp_access_token=CORP_TOKEN, dept_id=2),
        )
