"""What the OpenAPI document says of notifications."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from tenants.api import schema
from tenants.api.serializers import ErrorsSerializer
from tenants.notifications.serializers import (
    NotificationSerializer,
    ProgressSerializer,
    ResultSerializer,
    SendSerializer,
    SentSerializer,
    StatusBarSerializer,
)

_ID = OpenApiParameter(
    "notification_id", str, OpenApiParameter.PATH, description="The `id` that sending answered."
)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 128 visible ASCII characters, new for each notification and the same for each repeat.",
)
_REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    str,
    OpenApiParameter.HEADER,
    response=[201],
    description="`true` when this key was answered before.",
)
_TENANT = [schema.SUITE_KEY, schema.CORP_ID]
_ONE = [*_TENANT, _ID]

_MEANINGS = {
    400: "A member of the body or the header is wrong: `attr` names it. `agent_required`, `agent_unknown`; "
    "`dingtalk_parameter`: DingTalk does not accept a value.",
    404: "`tenant_not_found`, `notification_not_found`: there is none, or it is not the caller's.",
    409: "`tenant_not_active`: `state` says why. `idempotency_conflict`, `idempotency_in_progress` (see "
    "`Retry-After`) and `outcome_unknown` name the `notification_id`. `notification_not_sent`, "
    "`notification_too_old`, `too_many_receivers`, `sending_not_finished`, `no_status_bar`.",
    422: "`would_be_dropped`: `warnings` say why. With `Retry-After` it can be sent then.",
}

_ENTRY = {
    "id": "0197a1c2-6a5e-7cc3-9f0b-2f6f2b1d4c3e",
    "kind": "message",
    "message_type": "text",
    "template_id": "",
    "agent_id": 1234567890,
    "idempotency_key": "leave-4711-approved",
    "state": "sent",
    "task_id": 256271667526,
    "created_at": "2026-11-20T01:00:00Z",
    "sent_at": "2026-11-20T01:00:00.311000Z",
    "recalled_at": None,
    "receivers": {"users": 2, "depts": 0, "to_all_users": False},
    "dingtalk_code": "",
    "dingtalk_request_id": "4shd8s6yyx8b",
}
_SENT = {
    **{name: _ENTRY[name] for name in ("id", "task_id", "state", "sent_at", "receivers")},
    "warnings": [{"code": "daily_limit", "user_ids": ["lisi"]}],
}
_RESULT = {
    "invalid_user_ids": ["nobody"],
    "forbidden_user_ids": ["lisi"],
    "failed_user_ids": [],
    "read_user_ids": ["zhangsan"],
    "unread_user_ids": [],
    "invalid_dept_ids": [],
    "forbidden": [{"user_id": "lisi", "dingtalk_code": "143205", "count": 1}],
}


def _answers(success: Any, *errors: int, status: int = 200) -> dict[int, Any]:
    answers = schema.answers(success, *(code for code in errors if code != 422))
    own = {code: _MEANINGS[code] for code in (400, *errors) if code in _MEANINGS}
    answers |= {code: OpenApiResponse(ErrorsSerializer, description=text) for code, text in own.items()}
    answers[status] = answers.pop(200)
    return answers


def _shown(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def _asked(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


LIST = extend_schema(
    operation_id="notifications_list",
    summary="List sent notifications",
    parameters=_TENANT,
    responses=_answers(NotificationSerializer(many=True), 404),
    examples=[_shown("An entry", _ENTRY)],
)
SEND = extend_schema(
    operation_id="notifications_send",
    summary="Send a work notification",
    parameters=[*_TENANT, _IDEMPOTENCY_KEY, _REPLAYED],
    request=SendSerializer,
    responses=_answers(SentSerializer, 404, 409, 422, 502, status=201),
    examples=[
        _asked(
            "A message",
            {"user_ids": ["zhangsan", "lisi"], "message": {"msgtype": "text", "text": {"content": "已批准"}}},
        ),
        _asked(
            "By a template",
            {
                "user_ids": ["zhangsan"],
                "template": {"template_id": "5a2d8f0c4b", "data": {"name": "张三", "days": "3"}},
                "strict": True,
            },
        ),
        _shown("Sent, one copy of two will be dropped", _SENT, 201),
    ],
)
DETAIL = extend_schema(
    operation_id="notifications_retrieve",
    summary="Show a sent notification",
    parameters=_ONE,
    responses=_answers(NotificationSerializer, 404),
    examples=[_shown("An entry", _ENTRY)],
)
PROGRESS = extend_schema(
    operation_id="notifications_progress",
    summary="Ask how far sending is",
    parameters=_ONE,
    responses=_answers(ProgressSerializer, 404, 409, 502),
    examples=[_shown("Done", {"percent": 100, "status": 2})],
)
RESULT = extend_schema(
    operation_id="notifications_result",
    summary="Ask who got and read it",
    parameters=_ONE,
    responses=_answers(ResultSerializer, 404, 409, 502),
    examples=[_shown("A result", _RESULT)],
)
RECALL = extend_schema(
    operation_id="notifications_recall",
    summary="Take a notification back",
    parameters=_ONE,
    request=None,
    responses=_answers(NotificationSerializer, 404, 409, 502),
    examples=[_shown("Taken back", {**_ENTRY, "state": "recalled", "recalled_at": "2026-11-20T01:05:00Z"})],
)
STATUS_BAR = extend_schema(
    operation_id="notifications_status_bar",
    summary="Change the status bar of an OA message",
    parameters=_ONE,
    request=StatusBarSerializer,
    responses=_answers(NotificationSerializer, 404, 409, 502),
    examples=[
        _asked("Approved", {"status_value": "已批准", "status_bg": "0xFF00AA66"}),
        _shown("The message", {**_ENTRY, "message_type": "oa"}),
    ],
)
