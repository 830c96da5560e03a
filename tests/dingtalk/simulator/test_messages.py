"""Work notifications: strict about what is sent, liberal about how, late, and silent about what is lost."""

import json
from typing import Any

import pytest
import requests

from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

BASE = "/topapi/message/corpconversation"
PEOPLE = [
    {"userid": "boss", "name": "陈静", "dept_id_list": [1]},
    {"userid": "coder", "name": "赵磊", "dept_id_list": [4]},
    {"userid": "tester", "name": "孙丽", "dept_id_list": [4]},
]
DEPARTMENTS = [{"dept_id": 2, "name": "研发部"}, {"dept_id": 4, "name": "测试组", "parent_id": 2}]
TEMPLATES = [
    {"template_id": "approved", "name": "考勤提醒", "approved": True},
    {"template_id": "pending", "name": "审核中", "approved": False},
]
OA = {
    "msgtype": "oa",
    "oa": {
        "message_url": "https://a.example",
        "head": {"bgcolor": "FFBBBBBB", "text": "请假"},
        "body": {"title": "请假"},
    },
}


def text(content: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": content}}


class Sender:
    """A suite that sends to one company."""

    def __init__(self, simulator: RunningSimulator, **suite: Any) -> None:
        self.isv: Isv = make_isv(simulator, templates=TEMPLATES, **suite)
        self.corp_id = make_company(simulator, users=PEOPLE, departments=DEPARTMENTS)
        self.isv.remote.act(self.isv.suite_key, self.corp_id, "authorize", silent=True)
        self.token = self.isv.corp_token(self.corp_id)
        self.agent_id = self.isv.grant(self.corp_id)["agent_id"]

    def post(self, call: str, **body: Any) -> dict[str, Any]:
        """One call; whatever is given as None is left out."""
        body = {"agent_id": self.agent_id, **body}
        body = {name: value for name, value in body.items() if value is not None}
        answer: dict[str, Any] = self.isv.post(f"{BASE}/{call}", body, access_token=self.token)
        return answer

    def send(self, **body: Any) -> dict[str, Any]:
        return self.post("asyncsend_v2", **{"userid_list": "coder", "msg": text("你好"), **body})

    def send_by_template(self, **body: Any) -> dict[str, Any]:
        return self.post("sendbytemplate", **{"userid_list": "coder", "template_id": "approved", **body})

    def sent(self, userid: str = "") -> list[dict[str, Any]]:
        """What was accepted, for anybody or one person."""
        found: list[dict[str, Any]] = self.isv.remote.messages(self.isv.suite_key, self.corp_id, userid)
        return found


@pytest.fixture(scope="module")
def quick_simulator():
    """A platform whose sending is done at once."""
    with RunningSimulator(options=SimulatorOptions(message_sending_seconds=0.0), seed={}) as simulator:
        yield simulator


@pytest.fixture
def sender(quick_simulator: RunningSimulator) -> Sender:
    return Sender(quick_simulator)


def test_a_message_is_there_for_the_person_it_was_for(sender: Sender):
    answer = sender.send(userid_list="coder,nobody")

    assert answer["errcode"] == 0
    assert isinstance(answer["task_id"], int)
    [message] = sender.sent("coder")
    assert (message["message"], message["delivered_to"]) == (text("你好"), ["coder"])
    assert message["invalid_userids"] == ["nobody"]
    assert sender.sent("boss") == []


def test_departments_reach_those_below_and_everybody_is_everybody(sender: Sender):
    sender.send(userid_list="", dept_id_list="2", msg=text("1"))
    sender.send(userid_list="", to_all_user="true", msg=text("2"))

    assert [set(each["delivered_to"]) for each in sender.sent()] == [
        {"coder", "tester"},
        {"boss", "coder", "tester"},
    ]


def test_every_value_may_be_text_as_the_official_java_sdk_sends_it(sender: Sender):
    sent = sender.send(agent_id=str(sender.agent_id), to_all_user="false", enable_id_trans="false")
    task = str(sent["task_id"])

    progress = sender.post("getsendprogress", agent_id=str(sender.agent_id), task_id=task)
    recalled = sender.post("recall", agent_id=str(sender.agent_id), msg_task_id=task)

    assert progress["progress"] == {"progress_in_percent": 100, "status": 2}
    assert recalled["errcode"] == 0


def test_a_form_has_the_message_as_json_text(sender: Sender):
    form = {"agent_id": sender.agent_id, "userid_list": "coder", "msg": json.dumps(text("你好"))}
    url = f"{sender.isv.base_url}{BASE}/asyncsend_v2"

    answer = requests.post(url, data={**form, "access_token": sender.token}, timeout=10).json()

    assert answer["errcode"] == 0
    assert sender.sent("coder")[0]["message"] == text("你好")


def test_a_template_is_sent_when_it_is_approved(sender: Sender):
    answer = sender.send_by_template(data='{"name": "张三"}')

    assert answer["errcode"] == 0
    assert sender.sent("coder")[0]["message"] == {"template_id": "approved", "data": {"name": "张三"}}


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"template_id": "pending"}, 885006),
        ({"template_id": "unknown"}, 885001),
        ({"template_id": None}, 400002),
        ({"agent_id": 1}, 400002),
        ({"data": '{"days": 3}'}, 400002),
        ({"data": "[]"}, 400002),
        ({"userid_list": None}, 40035),
        ({"userid_list": ",".join(f"u{number}" for number in range(5001))}, 41029),
    ],
)
def test_what_is_wrong_with_a_template_is_refused(sender: Sender, body: dict, errcode: int):
    assert sender.send_by_template(**body)["errcode"] == errcode
    assert sender.sent() == []


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"agent_id": None}, 40056),
        ({"agent_id": 1}, 40056),
        ({"msg": None}, 34014),
        ({"msg": "not json"}, 34014),
        ({"msg": {"msgtype": "sticker"}}, 40008),
        ({"msg": {"msgtype": "text"}}, 34014),
        ({"msg": {"msgtype": "text", "text": {"content": ""}}}, 34014),
        ({"msg": {"msgtype": "link", "link": {"title": "a"}}}, 34009),
        ({"msg": {"msgtype": "voice", "voice": {"media_id": "m", "duration": "60"}}}, 34014),
        ({"msg": {"msgtype": "action_card", "action_card": {"title": "a", "markdown": "b"}}}, 34014),
        ({"msg": text("字" * 700)}, 45002),
        ({"userid_list": None}, 40035),
        ({"userid_list": ",".join(f"u{number}" for number in range(101))}, 41029),
        ({"dept_id_list": ",".join(map(str, range(21)))}, 41029),
        ({"dept_id_list": "two"}, 40009),
    ],
)
def test_what_is_wrong_with_a_message_is_refused(sender: Sender, body: dict, errcode: int):
    assert sender.send(**body)["errcode"] == errcode
    assert sender.sent() == []


def test_an_app_made_after_2020_has_to_send_by_template(quick_simulator: RunningSimulator):
    sender = Sender(quick_simulator, template_only=True)

    refused = sender.send()

    assert (refused["errcode"], refused["sub_code"]) == (88, "60011")
    assert sender.send_by_template()["errcode"] == 0


def test_the_same_content_is_dropped_in_silence(sender: Sender):
    first, second = sender.send(), sender.send(userid_list="coder,boss")

    assert (first["errcode"], second["errcode"]) == (0, 0)
    result = sender.post("getsendresult", task_id=second["task_id"])["send_result"]
    assert result["forbidden_user_id_list"] == ["coder"]
    assert result["forbidden_list"] == [{"userid": "coder", "code": "143206", "count": 1}]
    assert result["unread_user_id_list"] == ["boss"]


def test_more_than_a_hundred_a_day_are_dropped_in_silence(sender: Sender):
    for number in range(101):
        assert sender.send(msg=text(str(number)))["errcode"] == 0

    *_, before, last = sender.sent("coder")

    assert (before["dropped"], last["dropped"]) == ({}, {"coder": 143205})


def test_a_new_day_begins_the_count_anew(own_simulator: RunningSimulator):
    own_simulator.options.token_lifetime_seconds = 200_000
    sender = Sender(own_simulator)
    sender.send()
    sender.isv.remote.set_clock(86_400)

    sender.send()

    assert [each["dropped"] for each in sender.sent("coder")] == [{}, {}]


def test_sending_takes_its_time_and_there_is_no_result_before(own_simulator: RunningSimulator):
    own_simulator.options.message_sending_seconds = 1000.0
    sender = Sender(own_simulator)
    task_id = sender.send()["task_id"]

    early = sender.post("getsendprogress", task_id=task_id)["progress"]
    no_result = sender.post("getsendresult", task_id=task_id)
    sender.isv.remote.set_clock(500)
    half = sender.post("getsendprogress", task_id=task_id)["progress"]

    assert early["progress_in_percent"] < 5
    assert no_result["errcode"] == 41052
    assert half["status"] == 1
    assert 45 <= half["progress_in_percent"] <= 55


def test_a_result_tells_who_read_it(sender: Sender):
    task_id = sender.send(userid_list="coder,boss,nobody", dept_id_list="99")["task_id"]
    sender.isv.remote.read_messages(sender.isv.suite_key, sender.corp_id, "coder")

    assert sender.post("getsendresult", task_id=task_id)["send_result"] == {
        "invalid_user_id_list": ["nobody"],
        "forbidden_user_id_list": [],
        "failed_user_id_list": [],
        "read_user_id_list": ["coder"],
        "unread_user_id_list": ["boss"],
        "invalid_dept_id_list": [99],
        "forbidden_list": [],
    }


def test_the_status_bar_of_an_oa_message_is_changed(sender: Sender):
    oa, plain = sender.send(msg=OA)["task_id"], sender.send()["task_id"]
    green = {"status_value": "已批准", "status_bg": "0xFF00AA66"}

    assert sender.post("status_bar/update", task_id=oa, **green)["errcode"] == 0
    assert sender.sent("coder")[0]["message"]["oa"]["status_bar"] == green
    assert sender.post("status_bar/update", task_id=plain, **green)["errcode"] == 41052
    assert sender.post("status_bar/update", task_id=oa, status_value="a", status_bg="red")["errcode"] == 40035


@pytest.mark.parametrize(
    ("call", "name", "unknown", "other_agent"),
    [
        ("getsendprogress", "task_id", 40035, 40035),
        ("getsendresult", "task_id", 40035, 40035),
        ("recall", "msg_task_id", 400002, 400002),
        ("status_bar/update", "task_id", 40035, 40056),
    ],
)
def test_a_task_is_known_to_its_own_app_only(
    quick_simulator: RunningSimulator, sender: Sender, call: str, name: str, unknown: int, other_agent: int
):
    task_id = sender.send(msg=OA)["task_id"]
    stranger = Sender(quick_simulator)

    assert stranger.post(call, **{name: task_id})["errcode"] == unknown
    assert sender.post(call, **{name: "soon"})["errcode"] == unknown
    assert sender.post(call, agent_id=1, **{name: task_id})["errcode"] == other_agent


def test_a_message_is_recalled_within_a_day(own_simulator: RunningSimulator):
    own_simulator.options.token_lifetime_seconds = 200_000
    sender = Sender(own_simulator)
    first, second = sender.send()["task_id"], sender.send(msg=text("2"))["task_id"]

    assert sender.post("recall", msg_task_id=first)["errcode"] == 0
    sender.isv.remote.set_clock(86_460)
    assert sender.post("recall", msg_task_id=second)["errcode"] == 400002

    assert [each["recalled"] for each in sender.sent()] == [True, False]


def test_without_a_token_nothing_is_sent(sender: Sender):
    answer = sender.isv.post(f"{BASE}/asyncsend_v2", {"msg": text("a")})

    assert (answer["errcode"], answer["sub_code"]) == (88, "40000")
