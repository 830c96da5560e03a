"""The form in which old clients call: 007gzs/dingtalk-sdk for Python, TOP requests of the Java SDK."""

import json
from typing import Any

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_isv
from tests.dingtalk.simulator.isv import Isv

ROUTER, SEND = "/router/rest", "dingtalk.oapi.message.corpconversation.asyncsend_v2"
OLDEST = "dingtalk.corp.message.corpconversation."
SENT = "dingtalk_oapi_message_corpconversation_asyncsend_v2_response"
SEND_PATH = "/topapi/message/corpconversation/asyncsend_v2"
JAVA_HEADERS = {"User-Agent": "top-sdk-java", "Accept": "text/xml,text/javascript"}


class OldClient:
    """An app of a company as an old client speaks for it."""

    def __init__(self, isv: Isv, corp_id: str) -> None:
        isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
        self.isv = isv
        self.corp_id = corp_id
        self.agent_id = isv.grant(corp_id)["agent_id"]
        self.session = isv.corp_token(corp_id)

    def protocol(self, method: str, **changes: Any) -> dict[str, Any]:
        """What every request names beside what it asks."""
        protocol = {"method": method, "timestamp": "2026-08-22 10:00:00", "format": "json", "v": "2.0"}
        return {**protocol, "simplify": "false", "session": self.session, **changes}

    def post(self, query: dict[str, Any], form: dict[str, Any] | None = None) -> Any:
        answer = requests.post(
            self.isv.base_url + ROUTER, params=query, data=form, headers=JAVA_HEADERS, timeout=10
        )
        assert answer.status_code == 200
        return answer.json()

    def message(self) -> dict[str, Any]:
        message = {"msgtype": "text", "text": {"content": "你好"}}
        receivers = {"userid_list": "zhangsan,lisi", "to_all_user": "false"}
        return {**receivers, "agent_id": str(self.agent_id), "msg": json.dumps(message)}


@pytest.fixture
def client(shared_simulator: RunningSimulator, corp_id: str) -> OldClient:
    return OldClient(make_isv(shared_simulator), corp_id)


def test_a_message_is_sent_with_everything_in_the_query(client: OldClient) -> None:
    answer = client.post({**client.protocol(SEND), **client.message()})

    assert set(answer) == {SENT}
    assert (answer[SENT]["errcode"], answer[SENT]["task_id"] > 0) == (0, True)


def test_a_message_is_sent_with_a_form_beside_the_query(client: OldClient) -> None:
    answer = client.post(client.protocol(SEND), client.message())

    recall = client.protocol("dingtalk.oapi.message.corpconversation.recall")
    task = {"agent_id": client.agent_id, "msg_task_id": answer[SENT]["task_id"]}
    [recalled] = client.post(recall, task).values()
    assert recalled["errcode"] == 0


def test_a_simplified_answer_is_not_wrapped(client: OldClient) -> None:
    query = client.protocol("dingtalk.oapi.user.listid", simplify="true", dept_id="1")

    answer = client.post(query)

    assert (answer["errcode"], answer["result"]) == (0, {"userid_list": ["manager01"]})


def test_lists_of_texts_are_named_where_the_answer_is_wrapped(client: OldClient) -> None:
    [answer] = client.post(client.protocol("dingtalk.oapi.user.listid", dept_id="1")).values()

    assert answer["result"] == {"userid_list": {"string": ["manager01"]}}


def test_the_oldest_calls_for_messages_have_all_in_a_result(client: OldClient) -> None:
    message = {"msgtype": "text", "msgcontent": json.dumps({"content": "你好"}), "userid_list": "zhangsan"}
    sent = client.post({**client.protocol(OLDEST + "asyncsend"), **message, "agent_id": client.agent_id})
    [told] = sent.values()

    task = {"agent_id": client.agent_id, "task_id": told["result"]["task_id"]}
    [progress] = client.post({**client.protocol(OLDEST + "getsendprogress"), **task}).values()
    [refused] = client.post({**client.protocol(OLDEST + "getsendresult"), **task, "task_id": 1}).values()

    assert set(sent) == {"dingtalk_corp_message_corpconversation_asyncsend_response"}
    assert (told["result"]["success"], told["result"]["ding_open_errcode"]) == (True, 0)
    assert "progress_in_percent" in progress["result"]["progress"]
    assert (refused["result"]["success"], refused["result"]["ding_open_errcode"]) == (False, 40035)
    [kept] = client.isv.remote.messages(client.isv.suite_key, client.corp_id)
    assert kept["message"] == {"msgtype": "text", "text": {"content": "你好"}}


def test_a_call_that_is_not_below_topapi_and_a_get_work_too(client: OldClient) -> None:
    query = client.protocol("dingtalk.oapi.auth.scopes")

    posted = client.post(query)
    got = requests.get(client.isv.base_url + ROUTER, params=query, timeout=10).json()

    for answer in (posted, got):
        assert answer["dingtalk_oapi_auth_scopes_response"]["auth_org_scopes"] == {
            "authed_user": [],
            "authed_dept": {"number": [1]},
        }


@pytest.mark.parametrize(
    ("changes", "code", "sub_code"),
    [
        ({"session": "made-up"}, 88, "40014"),
        ({"session": ""}, 88, "40000"),
        ({"method": "dingtalk.oapi.nothing.here"}, 22, "isv.invalid-method"),
        ({"method": "dingtalk.corp.role.list"}, 22, "isv.invalid-method"),
        ({"method": ""}, 22, "isv.invalid-method"),
    ],
)
def test_what_the_gateway_refuses_is_an_error_response(
    client: OldClient, changes: dict[str, str], code: int, sub_code: str
) -> None:
    answer = client.post({**client.protocol(SEND), **client.message(), **changes})

    assert set(answer) == {"error_response"}
    refusal = answer["error_response"]
    assert (refusal["code"], refusal["sub_code"]) == (code, sub_code)
    assert {"msg", "sub_msg", "request_id"} <= set(refusal)


def test_what_the_call_refuses_is_in_its_response(client: OldClient) -> None:
    answer = client.post({**client.protocol(SEND), **client.message(), "agent_id": "1"})

    assert answer[SENT]["errcode"] == 40056


def test_an_unreadable_body_is_a_parameter_error(client: OldClient) -> None:
    answer = requests.post(
        client.isv.base_url + ROUTER, params=client.protocol(SEND), data=b'{"agent_id":', timeout=10
    )

    assert answer.json()[SENT]["errcode"] == 40035


def test_the_ledger_and_faults_know_the_call_by_its_path(own_simulator: RunningSimulator) -> None:
    remote = own_simulator.remote
    client = OldClient(make_isv(own_simulator), remote.state()["companies"][0]["corp_id"])
    remote.add_fault(endpoint=SEND_PATH, kind="errcode", code=90018, count=1)
    remote.add_fault(endpoint=SEND_PATH, kind="reset", count=1)
    query = {**client.protocol(SEND), **client.message()}

    answer = client.post(query)
    with pytest.raises(requests.ConnectionError):
        client.post(query)

    assert answer[SENT]["errcode"] == 90018
    calls = remote.calls(endpoint=SEND_PATH)["calls"]
    assert [(call["code"], call["method"]) for call in calls] == [(90018, "POST"), ("reset", "POST")]
