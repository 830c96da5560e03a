"""Parts of one tenant, each with an endpoint of its own: agents, scope, history."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import queries
from tenants.api import schema
from tenants.api.base import ApiView
from tenants.api.pagination import NewestTransitions
from tenants.api.serializers import TransitionSerializer
from tenants.api.tenant_part_serializers import AgentsSerializer, AuthScopeSerializer
from tenants.models import Scope, TenantTransition

AGENTS_EXAMPLE = OpenApiExample(
    "One agent",
    value={
        "suite_key": "suiteabcdefgh",
        "corp_id": "ding0123456789",
        "agents": [
            {
                "agent_id": 2718281828,
                "app_id": 65537,
                "name": "考勤助手",
                "logo_url": "https://static.example.com/logo.png",
                "admin_user_ids": ["user0001"],
                "is_stopped": False,
                "switched_at": None,
                "visible_to": {
                    "user_ids": ["user0001"],
                    "dept_ids": ["1"],
                    "as_of": "2026-11-20T03:00:00Z",
                },
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)
SCOPE_EXAMPLE = OpenApiExample(
    "A scope",
    value={
        "suite_key": "suiteabcdefgh",
        "corp_id": "ding0123456789",
        "grant_time": "2026-11-20T03:00:00Z",
        "auth_scope": {"user_ids": [], "dept_ids": [1], "user_fields": ["name", "avatar"]},
    },
    response_only=True,
    status_codes=["200"],
)


class TenantAgents(ApiView):
    """The app as it is installed in one company."""

    required_scope = Scope.TENANTS_READ
    serializer_class = AgentsSerializer

    @extend_schema(
        operation_id="tenants_agents",
        summary="List a tenant's agents",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        responses=schema.answers(AgentsSerializer, 404),
        examples=[AGENTS_EXAMPLE],
    )
    def get(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """
        Needs `tenants:read`.

        Also whether the company has switched each off, and who sees it there, where DingTalk said so.
        """
        tenant = queries.get_visible_tenant(self.client, suite_key=suite_key, corp_id=corp_id)
        return Response(AgentsSerializer(tenant).data)


class TenantAuthScope(ApiView):
    """What one company granted."""

    required_scope = Scope.TENANTS_READ
    serializer_class = AuthScopeSerializer

    @extend_schema(
        operation_id="tenants_auth_scope",
        summary="Show what a tenant granted",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        responses=schema.answers(AuthScopeSerializer, 404),
        examples=[SCOPE_EXAMPLE],
    )
    def get(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """Needs `tenants:read`. `auth_scope` is null until DingTalk has told it."""
        tenant = queries.get_visible_tenant(self.client, suite_key=suite_key, corp_id=corp_id)
        return Response(AuthScopeSerializer(tenant).data)


class TenantHistory(ApiView, ListAPIView[TenantTransition]):
    """All changes of one tenant's state."""

    required_scope = Scope.TENANTS_READ
    parameters: ClassVar[frozenset[str]] = frozenset({"limit", "cursor"})
    serializer_class = TransitionSerializer
    pagination_class = NewestTransitions
    filter_backends = ()
    # Only tells the schema which model this is about.
    queryset = queries.no_transitions()

    def get_queryset(self) -> QuerySet[TenantTransition]:
        return queries.visible_transitions(self.client, **self.kwargs)

    @extend_schema(
        operation_id="tenants_history",
        summary="List a tenant's changes of state",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        responses=schema.answers(TransitionSerializer(many=True), 404),
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Needs `tenants:read`. The newest first: grants, withdrawals, stops, and why."""
        return super().get(request, *args, **kwargs)
