"""What is sent to people goes out once, in the form of the page, and answers are read as they come."""

import json
from typing import Any

import pytest
import responses

from dingtalk.client.messages import ForbiddenReceiver, Receivers, SendProgress
from dingtalk.protocol.errors import ApiError, TransportError
from tests.dingtalk.client.client_calls import CASE, CORP_TOKEN, OAPI, make_client

PATH = f"{OAPI}/topapi/message/corpconversation"


def exchange(name: str, answer: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What a case's method made of an answer, and the body that was sent."""
    case = CASE[name]
    with responses.RequestsMock() as network:
        network.post(case.url, json={"errcode": 0, **answer})
        result = case.make(make_client())
        return result, json.loads(network.calls[0].request.body)


def test_receivers_are_text_with_commas_and_the_message_is_an_object():
    task, body = exchange("send_notification", {"task_id": 256271667526, "request_id": "4shd8s6yyx8b"})

    assert body == {
        "agent_id": 1001,
        "userid_list": "zhangsan,lisi",
        "dept_id_list": "2",
        "to_all_user": False,
        "msg": {"msgtype": "text", "text": {"content": "你好"}},
    }
    assert (task.task_id, task.request_id) == (256271667526, "4shd8s6yyx8b")


def test_the_data_of_a_template_is_json_text():
    task, body = exchange("send_template_notification", {"task_id": "256271667526"})

    assert body == {
        "agent_id": 1001,
        "template_id": "template0001",
        "data": '{"name": "张三"}',
        "userid_list": "zhangsan",
    }
    assert task.task_id == 256271667526


def test_everybody_is_said_by_a_switch_and_names_are_filled_in_when_asked_for():
    with responses.RequestsMock() as network:
        network.post(f"{PATH}/asyncsend_v2", json={"errcode": 0, "task_id": 1})
        make_client().send_notification(
            corp_access_token=CORP_TOKEN,
            agent_id=1,
            receivers=Receivers(to_all_users=True),
            message={"msgtype": "text"},
            enable_id_trans=True,
        )
        body = json.loads(network.calls[0].request.body)

    assert body == {"agent_id": 1, "to_all_user": True, "msg": {"msgtype": "text"}, "enable_id_trans": True}


@pytest.mark.parametrize("answer", [{}, {"task_id": None}, {"task_id": "soon"}, {"task_id": 0}])
@pytest.mark.parametrize("name", ["send_notification", "send_template_notification"])
def test_a_yes_without_a_task_may_have_sent(name, answer):
    with pytest.raises(TransportError) as lost:
        exchange(name, answer)

    assert not lost.value.retryable


def test_only_a_recall_calls_the_task_by_its_other_name():
    assert exchange("recall_notification", {})[1] == {"agent_id": 1001, "msg_task_id": 5}
    assert exchange("get_send_progress", {"progress": {"progress_in_percent": "7", "status": "1"}}) == (
        SendProgress(percent=7, status=1),
        {"agent_id": 1001, "task_id": 5},
    )


def test_a_result_is_read_also_where_numbers_are_text_and_lists_are_left_out():
    forbidden = {"code": 143105, "count": "1", "userid": "lisi"}
    answer = {"forbidden_list": forbidden, "invalid_dept_id_list": ["2", 3], "read_user_id_list": "zhangsan"}

    result, _ = exchange("get_send_result", {"send_result": answer})

    assert result.forbidden == [ForbiddenReceiver("lisi", "143105", 1)]
    assert (result.invalid_dept_ids, result.read_user_ids, result.unread_user_ids) == (
        [2, 3],
        ["zhangsan"],
        [],
    )


@pytest.mark.parametrize(
    ("name", "code"), [("send_template_notification", 885001), ("get_send_result", 41052)]
)
def test_a_refusal_keeps_its_code(name, code):
    with pytest.raises(ApiError) as refusal:
        exchange(name, {"errcode": code, "errmsg": "no"})

    assert refusal.value.code == str(code)
