"""What the API shows, field by field; the only secret among it is the token that was asked for."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.fields import ChoiceOrNull, UtcDateTimeField
from tenants.models import AuthCorp, Tenant, TenantState, TenantTransition, WaitingFor
from tenants.queries import newest_transitions
from tenants.tokens import DEFAULT_MIN_TTL_SECONDS, CorpToken

MAX_MIN_TTL_SECONDS = 3600


WAITED_FOR = [choice for choice in WaitingFor.choices if choice[0]]


class CorpSerializer(serializers.ModelSerializer[AuthCorp]):
    """A company's profile as DingTalk last told it."""

    class Meta:
        model = AuthCorp
        fields = ["corp_id", "name", "full_name", "industry", "logo_url", "auth_level", "is_authenticated"]
        read_only_fields = fields


class AgentSerializer(serializers.Serializer[Any]):
    """One app (agent) of the suite in the company."""

    agent_id = serializers.IntegerField()
    app_id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    logo_url = serializers.CharField()
    admin_user_ids = serializers.ListField(child=serializers.CharField())


class TransitionSerializer(serializers.ModelSerializer[TenantTransition]):
    """One change of state: `at` by our clock, `platform_time` by DingTalk's, if it has one."""

    at = UtcDateTimeField()
    platform_time = UtcDateTimeField(allow_null=True)
    from_state = ChoiceOrNull(TenantState.choices)
    to_state = serializers.ChoiceField(choices=TenantState.choices)

    class Meta:
        model = TenantTransition
        fields = ["at", "platform_time", "from_state", "to_state", "reason"]


class TenantSerializer(serializers.Serializer[Tenant]):
    """A tenant in a list."""

    suite_key = serializers.CharField(source="suite.suite_key")
    corp_id = serializers.CharField(source="corp.corp_id")
    corp = CorpSerializer()
    state = serializers.ChoiceField(choices=TenantState.choices)
    waiting_for = ChoiceOrNull(WAITED_FOR, help_text="What a tenant that is not active yet waits for.")
    grant_time = UtcDateTimeField(
        allow_null=True, help_text="DingTalk's time of the newest authorisation state."
    )
    authorized_at = UtcDateTimeField(allow_null=True)
    activated_at = UtcDateTimeField(allow_null=True)
    relieved_at = UtcDateTimeField(allow_null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()


class TenantDetailSerializer(TenantSerializer):
    """A tenant by itself: also its agents, its scope, and its last 20 changes of state."""

    agents = AgentSerializer(many=True)
    auth_scope = serializers.JSONField(help_text="What the company granted, as DingTalk told it.")
    auth_user_id = serializers.CharField(help_text="Who authorised, if DingTalk said so.")
    activation_note = serializers.CharField()
    last_error = serializers.CharField()
    last_error_code = serializers.CharField()
    transitions = serializers.SerializerMethodField()

    @extend_schema_field(TransitionSerializer(many=True))
    def get_transitions(self, tenant: Tenant) -> Any:
        """The newest first."""
        return TransitionSerializer(newest_transitions(tenant), many=True).data


class TokenParametersSerializer(serializers.Serializer[Any]):
    """The query of a request for a token."""

    min_ttl = serializers.IntegerField(
        min_value=0,
        max_value=MAX_MIN_TTL_SECONDS,
        default=DEFAULT_MIN_TTL_SECONDS,
        help_text="How many seconds the token must still be good for.",
    )


class TokenSerializer(serializers.Serializer[Any]):
    """A corp access token, to be used in calls to DingTalk until it expires."""

    suite_key = serializers.CharField()
    corp_id = serializers.CharField()
    access_token = serializers.CharField()
    expires_at = UtcDateTimeField()
    expires_in = serializers.IntegerField(help_text="Seconds from now.")


def shown_token(token: CorpToken, *, suite_key: str, corp_id: str) -> Any:
    """Return what an app is shown of a tenant's token."""
    members = {
        "suite_key": suite_key,
        "corp_id": corp_id,
        "access_token": token.access_token,
        "expires_at": token.expires_at,
        "expires_in": token.expires_in_seconds,
    }
    return TokenSerializer(members).data


class ErrorSerializer(serializers.Serializer[Any]):
    """One error: a stable code, a text in the caller's language, and where it applies the parameter."""

    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(
        choices=TenantState.choices, required=False, help_text="With `tenant_not_active`."
    )
    dingtalk_code = serializers.CharField(required=False, help_text="DingTalk's own code, when it refused.")
    dingtalk_message = serializers.CharField(required=False, help_text="DingTalk's words, when it refused.")
    dingtalk_request_id = serializers.CharField(
        required=False, help_text="DingTalk's request id, when it refused."
    )
    notification_id = serializers.UUIDField(
        required=False, help_text="What an idempotency key stands for, when it cannot be answered again."
    )
    warnings = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="With `would_be_dropped`: `code` and `user_ids` of each reason.",
    )


class ErrorsSerializer(serializers.Serializer[Any]):
    """The one shape of every error."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]
