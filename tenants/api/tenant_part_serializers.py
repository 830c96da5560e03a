"""What the parts of a tenant look like."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.fields import UtcDateTimeField
from tenants.api.serializers import AgentSerializer
from tenants.models import Tenant


class VisibleToSerializer(serializers.Serializer[Any]):
    """Who sees an agent in the company, as DingTalk last said; null where it did not say."""

    user_ids = serializers.ListField(child=serializers.CharField(), allow_null=True)
    dept_ids = serializers.ListField(child=serializers.CharField(), allow_null=True)
    as_of = UtcDateTimeField()


class AgentStateSerializer(AgentSerializer):
    """One agent, whether the company has switched it off, and who sees it."""

    is_stopped = serializers.BooleanField()
    switched_at = UtcDateTimeField(
        allow_null=True, help_text="DingTalk's time of the last switch; null when there was none."
    )
    visible_to = VisibleToSerializer(allow_null=True)


class AgentsSerializer(serializers.Serializer[Tenant]):
    """The agents of one tenant."""

    suite_key = serializers.CharField(source="suite.suite_key")
    corp_id = serializers.CharField(source="corp.corp_id")
    agents = serializers.SerializerMethodField()

    @extend_schema_field(AgentStateSerializer(many=True))
    def get_agents(self, tenant: Tenant) -> Any:
        """Put together what is known of each agent."""
        return AgentStateSerializer([_agent_state(tenant, agent) for agent in tenant.agents], many=True).data


class GrantedSerializer(serializers.Serializer[Any]):
    """Whom and what of them the app may see."""

    user_ids = serializers.ListField(child=serializers.CharField())
    dept_ids = serializers.ListField(child=serializers.IntegerField())
    user_fields = serializers.ListField(child=serializers.CharField())


class AuthScopeSerializer(serializers.Serializer[Tenant]):
    """What one company granted."""

    suite_key = serializers.CharField(source="suite.suite_key")
    corp_id = serializers.CharField(source="corp.corp_id")
    grant_time = UtcDateTimeField(
        allow_null=True, help_text="DingTalk's time of the newest authorisation state."
    )
    auth_scope = serializers.SerializerMethodField()

    @extend_schema_field(GrantedSerializer(allow_null=True))
    def get_auth_scope(self, tenant: Tenant) -> Any:
        """Return the scope; an event about who sees an agent alone tells none."""
        scope = tenant.auth_scope or {}
        return GrantedSerializer(scope).data if "dept_ids" in scope else None


def _agent_state(tenant: Tenant, agent: dict[str, Any]) -> dict[str, Any]:
    agent_id = str(agent["agent_id"])
    switch = tenant.agent_switches.get(agent_id, {})
    visible = (tenant.auth_scope or {}).get("visible_by_agent", {})
    seen_by = visible.get(agent_id)
    return {
        **agent,
        "is_stopped": switch.get("stopped", False),
        "switched_at": datetime.fromisoformat(switch["as_of"]) if switch else None,
        "visible_to": seen_by and {**seen_by, "as_of": datetime.fromisoformat(seen_by["as_of"])},
    }
