"""Endpoints for tenant apps. Each reaches tenants by `tenants.queries` only, with the caller's client."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import queries, token_requests
from tenants.api import schema
from tenants.api.base import ApiView
from tenants.api.filters import TenantFilter
from tenants.api.pagination import NewestFirst
from tenants.api.serializers import (
    TenantDetailSerializer,
    TenantSerializer,
    TokenParametersSerializer,
    TokenSerializer,
    shown_token,
)
from tenants.models import Scope, Tenant


class TenantList(ApiView, ListAPIView[Tenant]):
    """The tenants that the key covers, newest first."""

    required_scope = Scope.TENANTS_READ
    parameters = frozenset({"limit", "cursor", *TenantFilter.base_filters})
    serializer_class = TenantSerializer
    pagination_class = NewestFirst
    filterset_class = TenantFilter
    # Only tells the schema which model this is about.
    queryset = queries.no_tenants()

    def get_queryset(self) -> QuerySet[Tenant]:
        return queries.shown(queries.visible_tenants(self.client))

    @extend_schema(
        operation_id="tenants_list",
        summary="List tenants",
        responses=schema.answers(TenantSerializer(many=True)),
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Needs `tenants:read`."""
        return super().get(request, *args, **kwargs)


class TenantDetail(ApiView):
    """One tenant, with its agents, scope and last changes of state."""

    required_scope = Scope.TENANTS_READ
    serializer_class = TenantDetailSerializer

    @extend_schema(
        operation_id="tenants_retrieve",
        summary="Show a tenant",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        responses=schema.answers(TenantDetailSerializer, 404),
    )
    def get(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """Needs `tenants:read`."""
        tenant = queries.get_visible_tenant(self.client, suite_key=suite_key, corp_id=corp_id)
        return Response(TenantDetailSerializer(tenant).data)


class TenantAccessToken(ApiView):
    """A corp access token of one tenant, good for at least `min_ttl` seconds."""

    required_scope = Scope.TOKENS_READ
    parameters = frozenset({"min_ttl"})
    serializer_class = TokenSerializer

    @extend_schema(
        operation_id="tenants_access_token",
        summary="Get a token to call DingTalk in a tenant's name",
        parameters=[schema.SUITE_KEY, schema.CORP_ID, TokenParametersSerializer],
        responses=schema.TOKEN_ANSWERS,
        examples=[schema.TOKEN_EXAMPLE],
    )
    def get(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """
        Needs `tokens:read`.

        A company that is not known yet is looked for at DingTalk, if the key covers all tenants of the suite.
        """
        parameters = self.read_query(TokenParametersSerializer)
        token = token_requests.request_token(
            self.key,
            suite_key=suite_key,
            corp_id=corp_id,
            min_ttl_seconds=parameters["min_ttl"],
            actor=self.actor(),
            now=timezone.now(),
        )
        return Response(shown_token(token, suite_key=suite_key, corp_id=corp_id))
