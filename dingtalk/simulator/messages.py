"""
Work notifications: `/topapi/message/corpconversation/*`, as strict as the platform and as late.

A task is done after a second of the simulator's clock. Numbers and truth values may be text, `msg` and `data`
JSON text. Sources: the pages named at each function, "message-types-and-data-format"
"""

import re
from typing import Any

from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.grants import is_department_in_scope, is_user_in_scope
from dingtalk.simulator.identification import no_topapi_permission, suite_of_topapi, topapi_grant
from dingtalk.simulator.mailroom import Copy, Task
from dingtalk.simulator.message_types import check_message
from dingtalk.simulator.world import ROOT_DEPARTMENT, Company, Grant

Result = dict[str, Any]

DAY_MS = 86_400_000
MAX_USERS, MAX_DEPARTMENTS, MAX_RESULT_RECEIVERS = 100, 20, 100
MAX_TEMPLATE_USERS, MAX_TEMPLATE_DEPARTMENTS, MAX_RECEIVERS = 5_000, 500, 1_000
MAX_STATUS_BAR_RECEIVERS = 5
_STATUS_BACKGROUND = re.compile(r"0x[Ff]{2}[0-9A-Fa-f]{6}")


def send(call: Call) -> Result:
    """
    Send a message (`asynchronous-sending-of-enterprise-session-messages`).

    Apps made after 2020-11-27, the suites that are `template_only`, have no permission.
    """
    grant = topapi_grant(call)
    suite = call.world.find_suite(grant)
    if suite is not None and suite.template_only:
        raise no_topapi_permission("没有调用该接口的权限，请使用模板发送工作通知")
    _check_agent(call, grant, 40056)
    message = call.parameters.members("msg")
    if message is None:
        raise OldFamilyError(34014, "msg缺失或不是合法的JSON")
    userids, dept_ids = _named(call, most_users=MAX_USERS, most_departments=MAX_DEPARTMENTS)
    to_all = call.parameters.text("to_all_user").lower() == "true"
    check_message(
        message, has_few_receivers=not (to_all or dept_ids or len(userids) > MAX_STATUS_BAR_RECEIVERS)
    )
    return _accept(call, grant, message, userids, dept_ids, to_all=to_all)


def send_by_template(call: Call) -> Result:
    """Send by a template; for suites (`work-notification-templating-send-notification-interface`)."""
    grant = topapi_grant(call)
    suite = suite_of_topapi(call, grant)
    _check_agent(call, grant, 400002)
    template = suite.templates.get(_required(call, "template_id"))
    if template is None:
        raise OldFamilyError(885001, "消息模板不存在")
    if not template.is_approved:
        raise OldFamilyError(885006, "消息模板未审核通过")
    userids, dept_ids = _named(call, most_users=MAX_TEMPLATE_USERS, most_departments=MAX_TEMPLATE_DEPARTMENTS)
    message = {"template_id": template.template_id, "data": _template_data(call)}
    return _accept(call, grant, message, userids, dept_ids, to_all=False)


def get_progress(call: Call) -> Result:
    """How far a task is (`obtain-the-sending-progress-of-asynchronous-sending-of-enterprise-session`)."""
    task = _task(call, agent_code=40035, task_code=40035, days=7)
    percent = _percent(call, task)
    status = 0 if percent == 0 else 2 if percent == 100 else 1
    return {"progress": {"progress_in_percent": percent, "status": status}}


def get_result(call: Call) -> Result:
    """What became of a task (`gets-the-result-of-sending-messages-asynchronously-to-the-enterprise`)."""
    task = _task(call, agent_code=40035, task_code=40035, days=1)
    if _percent(call, task) < 100 or len(task.copies) > MAX_RESULT_RECEIVERS:
        raise OldFamilyError(41052, "消息的接收者过多或消息未发送完成")
    dropped = {userid: copy.dropped for userid, copy in task.copies.items() if copy.dropped}
    arrived = {userid: copy for userid, copy in task.copies.items() if not copy.dropped}
    return {
        "send_result": {
            "invalid_user_id_list": task.invalid_userids,
            "forbidden_user_id_list": list(dropped),
            "failed_user_id_list": [],
            "read_user_id_list": [userid for userid, copy in arrived.items() if copy.is_read],
            "unread_user_id_list": [userid for userid, copy in arrived.items() if not copy.is_read],
            "invalid_dept_id_list": task.invalid_dept_ids,
            "forbidden_list": [
                {"userid": userid, "code": str(code), "count": 1} for userid, code in dropped.items()
            ],
        }
    }


def recall(call: Call) -> Result:
    """Take a message back within 24 hours, also twice (`notification-of-work-withdrawal`)."""
    task = _task(call, agent_code=400002, task_code=400002, days=1, name="msg_task_id")
    task.is_recalled = True
    return {}


def update_status_bar(call: Call) -> Result:
    """Change the status bar of an OA message (`update-work-notification-status-bar`)."""
    task = _task(call, agent_code=40056, task_code=40035, days=7)
    value, background = _required(call, "status_value"), _required(call, "status_bg")
    if not _STATUS_BACKGROUND.fullmatch(background):
        raise OldFamilyError(40035, "不合法的参数: status_bg")
    if task.message.get("msgtype") != "oa" or task.named > MAX_STATUS_BAR_RECEIVERS:
        raise OldFamilyError(41052, "该消息不支持更新状态栏")
    task.message["oa"]["status_bar"] = {"status_value": value, "status_bg": background}
    return {}


def _accept(
    call: Call, grant: Grant, message: Result, userids: list[str], dept_ids: list[int], *, to_all: bool
) -> Result:
    if not (userids or dept_ids or to_all):
        raise OldFamilyError(40035, "userid_list、dept_id_list、to_all_user不能同时为空")
    company = call.world.companies[grant.corp_id]
    seen = {userid for userid in company.people if is_user_in_scope(grant, company=company, userid=userid)}
    reached = _reached(company, seen, userids, [ROOT_DEPARTMENT] if to_all else dept_ids)
    if len(reached) > MAX_RECEIVERS:
        raise OldFamilyError(41029, "消息的接收者超过限制")
    options = call.world.options
    task = call.world.mailroom.accept(
        Task(
            task_id=0,
            suite_key=grant.suite_key,
            corp_id=grant.corp_id,
            agent_id=grant.agent_id,
            at_ms=call.world.clock.now_ms(),
            message=message,
            copies={userid: Copy() for userid in reached},
            named=MAX_RECEIVERS if to_all or dept_ids else len(userids),
            invalid_userids=[userid for userid in userids if userid not in seen],
            invalid_dept_ids=[dept_id for dept_id in dept_ids if not _is_granted(grant, company, dept_id)],
        ),
        per_person_and_day=options.messages_per_person_and_day,
        per_minute=options.message_receivers_per_minute,
    )
    return {"task_id": task.task_id}


def _is_granted(grant: Grant, company: Company, dept_id: int) -> bool:
    return dept_id in company.departments and is_department_in_scope(grant, company=company, dept_id=dept_id)


def _reached(company: Company, seen: set[str], userids: list[str], dept_ids: list[int]) -> list[str]:
    """The people that are named or belong to a named department or one below it, each once."""
    wanted = {dept_id for dept_id in company.departments if _is_below(company, dept_id, dept_ids)}
    members = [userid for userid, person in company.people.items() if wanted & set(person.dept_ids)]
    return [userid for userid in dict.fromkeys([*userids, *members]) if userid in seen]


def _is_below(company: Company, dept_id: int, dept_ids: list[int]) -> bool:
    seen: set[int] = set()
    current: int | None = dept_id
    while current is not None and current not in seen:
        if current in dept_ids:
            return True
        seen.add(current)
        department = company.departments.get(current)
        current = department.parent_id if department else None
    return False


def _check_agent(call: Call, grant: Grant, errcode: int) -> None:
    if call.parameters.whole("agent_id") != grant.agent_id:
        raise OldFamilyError(errcode, "不合法的agent_id")


def _named(call: Call, *, most_users: int, most_departments: int) -> tuple[list[str], list[int]]:
    """People and departments as text with commas, each once."""
    userids = list(dict.fromkeys(call.parameters.texts("userid_list")))
    texts = list(dict.fromkeys(call.parameters.texts("dept_id_list")))
    if len(userids) > most_users or len(texts) > most_departments:
        raise OldFamilyError(41029, "消息的接收者超过限制")
    if not all(text.removeprefix("-").isdecimal() and len(text) <= 19 for text in texts):
        raise OldFamilyError(40009, "不合法的部门id")
    return userids, [int(text) for text in texts]


def _template_data(call: Call) -> dict[str, str]:
    if not call.parameters.values.get("data"):
        return {}
    data = call.parameters.members("data")
    if data is None or not all(isinstance(value, str) for value in data.values()):
        raise OldFamilyError(400002, "参数错误: data的键和值必须是字符串")
    return data


def _task(call: Call, *, agent_code: int, task_code: int, days: int, name: str = "task_id") -> Task:
    """The task of this app that is named, if it is young enough to be asked about."""
    grant = topapi_grant(call)
    _check_agent(call, grant, agent_code)
    task = call.world.mailroom.tasks.get(call.parameters.whole(name) or 0)
    is_own = task is not None and task.app == (grant.suite_key, grant.corp_id, grant.agent_id)
    if task is None or not is_own or call.world.clock.now_ms() - task.at_ms > days * DAY_MS:
        raise OldFamilyError(task_code, f"不合法的{name}")
    return task


def _percent(call: Call, task: Task) -> int:
    whole_ms = call.world.options.message_sending_seconds * 1000
    passed_ms = call.world.clock.now_ms() - task.at_ms
    return 100 if passed_ms >= whole_ms else max(0, int(100 * passed_ms / whole_ms))


def _required(call: Call, name: str) -> str:
    text = call.parameters.text(name)
    if not text:
        raise OldFamilyError(400002, f"参数错误: {name}")
    return text
