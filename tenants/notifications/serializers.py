"""What comes in and goes out by the API of notifications; no answer repeats a message."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from dingtalk.client.messages import Receivers
from dingtalk.protocol.fields import MAX_INT64
from dingtalk.protocol.messages import (
    MAX_STATUS_BAR_RECEIVERS,
    STATUS_BACKGROUND,
    Flaw,
    MessageProblem,
    find_problems,
    has_status_bar,
)
from tenants.api.fields import (
    BoundedListField,
    KnownMembersSerializer,
    NumberField,
    SwitchField,
    TextField,
    UtcDateTimeField,
)
from tenants.models import Notification, NotificationKind, NotificationState
from tenants.notifications.daily_limits import WarningCode
from tenants.notifications.requests import SendRequest
from tenants.notifications.sending import warnings_of

MAX_USERS, MAX_DEPARTMENTS = 100, 20
MAX_TEMPLATE_USERS, MAX_TEMPLATE_DEPARTMENTS = 1_000, 500
MAX_TEMPLATE_TEXTS = 100

_FLAWS = {
    Flaw.REQUIRED: gettext_lazy("This is missing or empty."),
    Flaw.NO_OBJECT: gettext_lazy("An object is expected."),
    Flaw.NO_LIST: gettext_lazy("A list is expected."),
    Flaw.NO_TEXT: gettext_lazy("A text is expected."),
    Flaw.TOO_LONG: gettext_lazy("At most %(expected)s characters."),
    Flaw.WRONG_VALUE: gettext_lazy("One of these is expected: %(expected)s."),
    Flaw.WRONG_FORM: gettext_lazy("This form is expected: %(expected)s."),
    Flaw.UNKNOWN: gettext_lazy("There is no such member here, only: %(expected)s."),
    Flaw.EITHER_OR: gettext_lazy("Either the one or the other is expected: %(expected)s."),
    Flaw.TOO_LARGE: gettext_lazy("A message has at most %(expected)s bytes as UTF-8 JSON."),
}


class TextsField(serializers.DictField):
    """Texts by their names, not too many of them."""

    child = TextField(allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and len(data) > MAX_TEMPLATE_TEXTS:
            raise ValidationError(_("At most %(most)s names.") % {"most": MAX_TEMPLATE_TEXTS}, "max_length")
        return dict(super().to_internal_value(data))


class TemplateSerializer(KnownMembersSerializer):
    """A template that DingTalk has approved, and the texts for its places."""

    template_id = TextField(max_length=128)
    data = TextsField(default=dict)  # type: ignore[assignment]


class SendSerializer(KnownMembersSerializer):
    """What to send to whom: exactly one of `message` and `template`."""

    agent_id = NumberField(
        min_value=1, max_value=MAX_INT64, required=False, help_text="Left out: the tenant's only agent."
    )
    user_ids = BoundedListField(
        most=MAX_TEMPLATE_USERS,
        # A comma would make two people of one.
        child=serializers.RegexField(r"^[^\s,\x00-\x1f\x7f]+\Z", max_length=64),
        default=list,
        help_text="At most 100 for a message, 1000 for a template; a user id twice counts once.",
    )
    dept_ids = BoundedListField(
        most=MAX_TEMPLATE_DEPARTMENTS,
        child=NumberField(min_value=-MAX_INT64, max_value=MAX_INT64),
        default=list,
        help_text="With the departments below them; at most 20 for a message, 500 for a template.",
    )
    to_all_users = SwitchField(default=False, help_text="Only for a message.")
    message = serializers.DictField(
        required=False,
        help_text="As DingTalk's page of message types has it: `msgtype` and the member of that name.",
    )
    template = TemplateSerializer(required=False)
    enable_id_trans = SwitchField(
        default=False, help_text="Only for a message: DingTalk puts names for `$userName=…$`."
    )
    strict = SwitchField(
        default=False, help_text="Send nothing if the copy of even one person would be dropped."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check what several members together have to be."""
        attrs["user_ids"] = list(dict.fromkeys(attrs["user_ids"]))
        attrs["dept_ids"] = list(dict.fromkeys(attrs["dept_ids"]))
        if ("message" in attrs) == ("template" in attrs):
            raise _refused("message", "either_or", _("Exactly one of message and template is expected."))
        if not (attrs["user_ids"] or attrs["dept_ids"] or attrs["to_all_users"]):
            raise _refused("user_ids", "no_receivers", _("Nobody is named to receive this."))
        if "template" in attrs:
            _check_template(attrs)
        else:
            _check_message(attrs)
        return attrs


class StatusBarSerializer(KnownMembersSerializer):
    """A new status bar of an OA message."""

    status_value = TextField(max_length=100)
    status_bg = serializers.RegexField(
        rf"^{STATUS_BACKGROUND.pattern}\Z", max_length=10, help_text="`0xFF` and six hex digits."
    )


class ReceiversSerializer(serializers.Serializer[Notification]):
    """How many were named."""

    users = serializers.IntegerField(source="user_count")
    depts = serializers.IntegerField(source="dept_count")
    to_all_users = serializers.BooleanField()


class WarningSerializer(serializers.Serializer[Any]):
    """Why DingTalk drops the copies of some people, or why nobody can tell (`not_counted`)."""

    code = serializers.ChoiceField(choices=[code.value for code in WarningCode])
    user_ids = serializers.ListField(child=serializers.CharField())


class SentSerializer(serializers.Serializer[Notification]):
    """The answer to a request to send, the same for each repeat of it."""

    id = serializers.UUIDField()
    task_id = serializers.IntegerField(help_text="DingTalk's.")
    state = serializers.SerializerMethodField()
    sent_at = UtcDateTimeField()
    receivers = ReceiversSerializer(source="*")
    warnings = serializers.SerializerMethodField()

    def get_state(self, _notification: Notification) -> str:
        """That it was sent; what became of it since is in the log."""
        return NotificationState.SENT.value

    def get_warnings(self, notification: Notification) -> list[dict[str, Any]]:
        """Whose copies will be dropped, and why."""
        return [dict(WarningSerializer(warning).data) for warning in warnings_of(notification)]


class NotificationSerializer(serializers.Serializer[Notification]):
    """An entry of the send log."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=NotificationKind.choices)
    message_type = serializers.CharField(help_text="Empty for a template.")
    template_id = serializers.CharField(help_text="Empty for a message.")
    agent_id = serializers.IntegerField()
    idempotency_key = serializers.CharField(help_text="Empty once it is forgotten, after 48 hours.")
    state = serializers.ChoiceField(choices=NotificationState.choices)
    task_id = serializers.IntegerField(allow_null=True)
    created_at = UtcDateTimeField()
    sent_at = UtcDateTimeField(allow_null=True)
    recalled_at = UtcDateTimeField(allow_null=True)
    receivers = ReceiversSerializer(source="*")
    dingtalk_code = serializers.CharField(help_text="Why DingTalk refused; else empty.")
    dingtalk_request_id = serializers.CharField()


class ProgressSerializer(serializers.Serializer[Any]):
    """How far sending is; `status`: 0 not begun, 1 under way, 2 done."""

    percent = serializers.IntegerField(min_value=0, max_value=100)
    status = serializers.IntegerField()


class ForbiddenSerializer(serializers.Serializer[Any]):
    """Somebody whose copy DingTalk dropped; `dingtalk_code` says why."""

    user_id = serializers.CharField()
    dingtalk_code = serializers.CharField(source="code")
    count = serializers.IntegerField()


class ResultSerializer(serializers.Serializer[Any]):
    """What became of a notification person by person."""

    invalid_user_ids = serializers.ListField(child=serializers.CharField())
    forbidden_user_ids = serializers.ListField(child=serializers.CharField())
    failed_user_ids = serializers.ListField(child=serializers.CharField())
    read_user_ids = serializers.ListField(child=serializers.CharField())
    unread_user_ids = serializers.ListField(child=serializers.CharField())
    invalid_dept_ids = serializers.ListField(child=serializers.IntegerField())
    forbidden = ForbiddenSerializer(many=True)


def send_request(values: Mapping[str, Any]) -> SendRequest:
    """Return what was validated as the services take it."""
    template = values.get("template", {"template_id": "", "data": {}})
    return SendRequest(
        receivers=Receivers(
            user_ids=tuple(values["user_ids"]),
            dept_ids=tuple(values["dept_ids"]),
            to_all_users=values["to_all_users"],
        ),
        message=values.get("message"),
        template_id=template["template_id"],
        template_data=template["data"],
        agent_id=values.get("agent_id"),
        enable_id_trans=values["enable_id_trans"],
        strict=values["strict"],
    )


def _check_template(attrs: Mapping[str, Any]) -> None:
    _check_number(attrs, "user_ids", MAX_TEMPLATE_USERS)
    _check_number(attrs, "dept_ids", MAX_TEMPLATE_DEPARTMENTS)
    for name in ("to_all_users", "enable_id_trans"):
        if attrs[name]:
            raise _refused(name, "not_for_templates", _("A template cannot be sent so."))


def _check_message(attrs: Mapping[str, Any]) -> None:
    _check_number(attrs, "user_ids", MAX_USERS)
    _check_number(attrs, "dept_ids", MAX_DEPARTMENTS)
    message = attrs["message"]
    problems = find_problems(message)
    if problems:
        raise ValidationError({_path(problem): _detail(problem) for problem in reversed(problems)})
    is_to_few = not (attrs["dept_ids"] or attrs["to_all_users"])
    if has_status_bar(message) and not (is_to_few and len(attrs["user_ids"]) <= MAX_STATUS_BAR_RECEIVERS):
        text = _("Only messages to at most 5 people can have a status bar.")
        raise _refused("message.oa.status_bar", "too_many_receivers", text)


def _check_number(attrs: Mapping[str, Any], name: str, most: int) -> None:
    if len(attrs[name]) > most:
        text = _("At most %(most)s in one call; send several.") % {"most": most}
        raise _refused(name, "max_length", text)


def _path(problem: MessageProblem) -> str:
    return f"message.{problem.member}" if problem.member else "message"


def _detail(problem: MessageProblem) -> ErrorDetail:
    return ErrorDetail(_FLAWS[problem.flaw] % {"expected": problem.expected}, code=problem.flaw.value)


def _refused(name: str, code: str, text: str) -> ValidationError:
    return ValidationError({name: ErrorDetail(text, code=code)})
