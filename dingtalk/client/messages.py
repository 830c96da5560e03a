"""
Work notifications: what an app says to people of a company that authorised it.

Sending is asynchronous: a call that says yes has a task id and has sent nothing yet. What exceeds a limit per
person is dropped without an error; only the result of the task shows it.
Source: message-corpconversation-overview.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dingtalk.client.answers import read_ids, read_nothing, read_numbers, read_object, read_objects
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_identifier, read_int

_PATH = "/topapi/message/corpconversation"
# A lost answer may have sent, and a second message cannot be taken back unseen.
SEND = Call(f"{_PATH}/asyncsend_v2", repeatable=False)
SEND_BY_TEMPLATE = Call(f"{_PATH}/sendbytemplate", repeatable=False)
GET_PROGRESS = Call(f"{_PATH}/getsendprogress")
GET_RESULT = Call(f"{_PATH}/getsendresult")
RECALL = Call(f"{_PATH}/recall")
UPDATE_STATUS_BAR = Call(f"{_PATH}/status_bar/update")

_ID_LENGTH = 64
_CODE_LENGTH = 32
_REQUEST_ID_LENGTH = 100


@dataclass(frozen=True)
class Receivers:
    """To whom: people, departments with those below them, or everybody."""

    user_ids: Sequence[str] = ()
    dept_ids: Sequence[int] = ()
    to_all_users: bool = False

    def members(self) -> dict[str, Any]:
        """Return them as both sending calls want them: lists as text with commas, what is empty left out."""
        lists = {
            "userid_list": ",".join(self.user_ids),
            "dept_id_list": ",".join(str(dept_id) for dept_id in self.dept_ids),
        }
        return {name: text for name, text in lists.items() if text}


@dataclass(frozen=True)
class SendTask:
    """What DingTalk has accepted for sending; `request_id` is its own id of the call."""

    task_id: int
    request_id: str


@dataclass(frozen=True)
class SendProgress:
    """How far sending is: 0 to 100 percent; `status` 0 not begun, 1 under way, 2 done."""

    percent: int
    status: int


@dataclass(frozen=True)
class ForbiddenReceiver:
    """Somebody whose message was dropped; `code` says why (143105 to 143206, 1430000 to 1430004)."""

    user_id: str
    code: str
    count: int


@dataclass(frozen=True)
class SendResult:
    """What became of a message, person by person."""

    invalid_user_ids: list[str]
    forbidden_user_ids: list[str]
    failed_user_ids: list[str]
    read_user_ids: list[str]
    unread_user_ids: list[str]
    invalid_dept_ids: list[int]
    forbidden: list[ForbiddenReceiver]


class MessageCalls(Caller):
    """Each is made with the company's token, for one agent of the app there."""

    def send_notification(
        self,
        *,
        corp_access_token: str,
        agent_id: int,
        receivers: Receivers,
        message: Mapping[str, Any],
        enable_id_trans: bool = False,
    ) -> SendTask:
        """
        Send a message of at most 2048 bytes to at most 100 people and 20 departments.

        A TransportError that is not `retryable` may have sent it. ISV apps made after 2020-11-27 have to send
        by template. `enable_id_trans`: DingTalk puts names in place of `$userName=…$`. Errors: 40056 agent,
        40008 and 34014 message, 45002 too large, 41029 too many receivers, 60011 no permission.
        Source: asynchronous-sending-of-enterprise-session-messages.
        """
        body = {
            "agent_id": agent_id,
            "to_all_user": receivers.to_all_users,
            "msg": dict(message),
            **receivers.members(),
        }
        if enable_id_trans:
            body["enable_id_trans"] = True
        return self.ask(_request(SEND, corp_access_token, body), _read_task)

    def send_template_notification(
        self,
        *,
        corp_access_token: str,
        agent_id: int,
        receivers: Receivers,
        template_id: str,
        data: Mapping[str, str],
    ) -> SendTask:
        """
        Send a message by a template that DingTalk has approved, to at most 1000 receivers.

        A TransportError that is not `retryable` may have sent it. Errors: 885001 no such template, 885006 not
        approved, 400002 parameter, 41029 too many receivers.
        Source: work-notification-templating-send-notification-interface.
        """
        body = {
            "agent_id": agent_id,
            "template_id": template_id,
            "data": json.dumps(dict(data), ensure_ascii=False),
            **receivers.members(),
        }
        return self.ask(_request(SEND_BY_TEMPLATE, corp_access_token, body), _read_task)

    def get_send_progress(self, *, corp_access_token: str, agent_id: int, task_id: int) -> SendProgress:
        """
        Get how far sending is, within 7 days (24 hours by the page's table). Errors: 40035.

        Source: obtain-the-sending-progress-of-asynchronous-sending-of-enterprise-session.
        """
        body = {"agent_id": agent_id, "task_id": task_id}
        return self.ask(_request(GET_PROGRESS, corp_access_token, body), _read_progress)

    def get_send_result(self, *, corp_access_token: str, agent_id: int, task_id: int) -> SendResult:
        """
        Get what became of a message, within 24 hours and for at most 100 receivers.

        Errors: 41052 not finished or too many receivers, 40035.
        Source: gets-the-result-of-sending-messages-asynchronously-to-the-enterprise.
        """
        body = {"agent_id": agent_id, "task_id": task_id}
        return self.ask(_request(GET_RESULT, corp_access_token, body), _read_result)

    def recall_notification(self, *, corp_access_token: str, agent_id: int, task_id: int) -> None:
        """
        Take a message back, within 24 hours; a second time does no harm. Errors: 400002.

        Here the task is called `msg_task_id`. Source: notification-of-work-withdrawal.
        """
        body = {"agent_id": agent_id, "msg_task_id": task_id}
        self.ask(_request(RECALL, corp_access_token, body), read_nothing)

    def update_status_bar(
        self, *, corp_access_token: str, agent_id: int, task_id: int, status_value: str, status_bg: str
    ) -> None:
        """
        Change the status bar of an OA message, within 7 days. `status_bg`: `0xFF` and six hex digits.

        Errors: 40056 agent, 40035 task, 41052 no message that has one.
        Source: update-work-notification-status-bar.
        """
        body = {
            "agent_id": agent_id,
            "task_id": task_id,
            "status_value": status_value,
            "status_bg": status_bg,
        }
        self.ask(_request(UPDATE_STATUS_BAR, corp_access_token, body), read_nothing)


def _request(call: Call, corp_access_token: str, body: dict[str, Any]) -> Request:
    return Request(call, query={"access_token": corp_access_token}, body=body)


def _read_task(members: Mapping[str, Any]) -> SendTask:
    task_id = read_int(members.get("task_id"))
    if task_id is None or task_id <= 0:
        raise UnusableAnswer("no task_id in the answer")
    return SendTask(task_id, clean_text(members.get("request_id"), _REQUEST_ID_LENGTH))


def _read_progress(members: Mapping[str, Any]) -> SendProgress:
    progress = read_object(members, "progress")
    percent, status = read_int(progress.get("progress_in_percent")), read_int(progress.get("status"))
    if percent is None or status is None:
        raise UnusableAnswer("no progress in the answer")
    return SendProgress(percent=min(max(percent, 0), 100), status=status)


def _read_result(members: Mapping[str, Any]) -> SendResult:
    result = read_object(members, "send_result")
    return SendResult(
        invalid_user_ids=read_ids(result, "invalid_user_id_list"),
        forbidden_user_ids=read_ids(result, "forbidden_user_id_list"),
        failed_user_ids=read_ids(result, "failed_user_id_list"),
        read_user_ids=read_ids(result, "read_user_id_list"),
        unread_user_ids=read_ids(result, "unread_user_id_list"),
        invalid_dept_ids=read_numbers(result, "invalid_dept_id_list"),
        forbidden=[_read_forbidden(item) for item in read_objects(result, "forbidden_list")],
    )


def _read_forbidden(item: Mapping[str, Any]) -> ForbiddenReceiver:
    return ForbiddenReceiver(
        user_id=read_identifier(item.get("userid"), _ID_LENGTH) or "",
        code=clean_text(item.get("code"), _CODE_LENGTH),
        count=read_int(item.get("count")) or 0,
    )
