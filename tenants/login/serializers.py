"""What the login endpoints take and show, field by field. No token of a person is ever among it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from dingtalk.client.login import CurrentUser, LoginUser, SsoUser
from dingtalk.protocol.login_url import LONGEST_REDIRECT_URI, LoginScope, OrgType
from tenants.api.fields import UtcDateTimeField, WordField
from tenants.identifiers import MAX_CORP_ID_LENGTH, is_corp_id
from tenants.login.browser import Choice, LoggedIn

LONGEST_CODE = 512
LONGEST_STATE = 128


class CorpIdField(serializers.CharField):
    """What can be a corp id."""

    default_error_messages = {"invalid": _("This is not a corp id.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_CORP_ID_LENGTH, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if not is_corp_id(text):
            self.fail("invalid")
        return text


class CodeSerializer(serializers.Serializer[Any]):
    """A one-time code that DingTalk gave to the person's client."""

    code = WordField(max_length=LONGEST_CODE, help_text="Works once.")


class LoginChoiceSerializer(serializers.Serializer[Any]):
    """What DingTalk's login page is to ask for."""

    redirect_uri = serializers.CharField(
        max_length=LONGEST_REDIRECT_URI,
        trim_whitespace=False,
        help_text="Where DingTalk sends the browser back to; it must be registered there too. https only, "
        "except for the loopback addresses of a developer's machine.",
    )
    scope = serializers.ChoiceField(
        [scope.value for scope in LoginScope],
        default=LoginScope.OPENID_CORPID.value,
        help_text="With `corpid` the person chooses a company. Without it `corp_id` is required.",
    )
    corp_id = CorpIdField(required=False, help_text="Only this company; preselected on DingTalk's page.")
    org_type = serializers.ChoiceField(
        [org_type.value for org_type in OrgType],
        required=False,
        help_text="Offer only companies that the person administers.",
    )
    exclusive_login = serializers.BooleanField(default=False, help_text="The page of dedicated accounts.")
    exclusive_corp_id = CorpIdField(
        required=False, help_text="The company of the dedicated accounts; with `exclusive_login`."
    )


class LoginAddressSerializer(serializers.Serializer[Any]):
    """Where to send the browser."""

    url = serializers.CharField(help_text="DingTalk's login page, with the state in it.")
    state = serializers.CharField(
        help_text="Keep it in the browser's own session, and compare what comes back with it."
    )
    expires_at = UtcDateTimeField(help_text="When the state ends.")


class CodeAndStateSerializer(CodeSerializer):
    """What DingTalk's page sent the browser back with."""

    state = WordField(max_length=LONGEST_STATE)


class SessionSerializer(serializers.Serializer[Any]):
    """A login that was completed earlier."""

    session = serializers.UUIDField()


class InAppPersonSerializer(serializers.Serializer[LoginUser]):
    """Who opened the app inside DingTalk."""

    user_id = serializers.CharField(help_text="Unique in the company.")
    union_id = serializers.CharField(help_text="The same in all companies.")
    name = serializers.CharField(help_text="Empty where the company encrypts its address book.")
    is_admin = serializers.BooleanField()
    sys_level = serializers.IntegerField(
        allow_null=True, help_text="1 main administrator, 2 sub-administrator, 100 owner, 0 none of these."
    )
    device_id = serializers.CharField()


class InAppLoginSerializer(serializers.Serializer[Any]):
    """Who opened the app, and in which company."""

    suite_key = serializers.CharField()
    corp_id = serializers.CharField()
    person = InAppPersonSerializer()


class PersonSerializer(serializers.Serializer[CurrentUser]):
    """Who logged in in a browser."""

    union_id = serializers.CharField(help_text="The same in all companies.")
    open_id = serializers.CharField()
    nick = serializers.CharField()
    avatar_url = serializers.CharField()
    user_id = serializers.CharField(
        allow_null=True, help_text="The person's id in the company; null where the app may not see it."
    )


class LoginSerializer(serializers.Serializer[Any]):
    """Who logged in, to which company, and what to ask again with."""

    suite_key = serializers.CharField()
    corp_id = serializers.CharField()
    session = serializers.UUIDField(help_text="For `oauth/refresh`; of use to your app only.")
    person = PersonSerializer()


class AdministratorSerializer(serializers.Serializer[SsoUser]):
    """Who came from the admin console."""

    user_id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    avatar_url = serializers.CharField()
    is_admin = serializers.BooleanField()


class SsoLoginSerializer(serializers.Serializer[Any]):
    """Who came from the admin console, and of which company."""

    suite_key = serializers.CharField()
    corp_id = serializers.CharField()
    corp_name = serializers.CharField()
    person = AdministratorSerializer()


def choice_of(values: Mapping[str, Any]) -> Choice:
    """Return what a LoginChoiceSerializer read."""
    org_type = values.get("org_type")
    return Choice(
        redirect_uri=values["redirect_uri"],
        scope=LoginScope(values["scope"]),
        corp_id=values.get("corp_id", ""),
        org_type=None if org_type is None else OrgType(org_type),
        exclusive_login=values["exclusive_login"],
        exclusive_corp_id=values.get("exclusive_corp_id", ""),
    )


def shown_login(suite_key: str, login: LoggedIn) -> Any:
    """Return a browser's login as the API shows it."""
    user = login.user
    person = {
        "union_id": user.union_id,
        "open_id": user.open_id,
        "nick": user.nick,
        "avatar_url": user.avatar_url,
        "user_id": login.user_id or None,
    }
    corp_id = login.tenant.corp.corp_id
    members = {"suite_key": suite_key, "corp_id": corp_id, "session": login.session, "person": person}
    return LoginSerializer(members).data
