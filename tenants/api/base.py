"""What every endpoint for tenant apps is made of."""

from typing import Any, ClassVar, cast

import structlog
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from tenants.api.filters import refuse_odd_parameters
from tenants.api.parsers import read_json_body
from tenants.api.sources import address_of
from tenants.models import ApiClient, ApiKey, Scope


class ApiView(GenericAPIView[Any]):
    """What all endpoints share: a scope, known parameters, and answers that nobody keeps."""

    required_scope: ClassVar[Scope]
    parameters: ClassVar[frozenset[str]] = frozenset()
    http_method_names = ["get", "head", "options"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_odd_parameters(request, known=self.parameters)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def key(self) -> ApiKey:
        """The key that the caller showed, with its client."""
        return cast(ApiKey, self.request.auth)

    @property
    def client(self) -> ApiClient:
        """The tenant app that calls."""
        return self.key.client

    def actor(self) -> Actor:
        """Who acts, for the audit trail."""
        return Actor(
            kind=ActorKind.API_CLIENT,
            name=self.client.name,
            source_ip=address_of(self.request),
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        )

    def read_body(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the request's body as the serializer reads it; raises ValidationError by member."""
        reading = serializer(data=read_json_body(self.request))
        reading.is_valid(raise_exception=True)
        return cast(dict[str, Any], reading.validated_data)

    def read_query(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the request's query as the serializer reads it; raises ValidationError by parameter."""
        reading = serializer(data=self.request.query_params.dict())
        reading.is_valid(raise_exception=True)
        return cast(dict[str, Any], reading.validated_data)


class WritingApiView(ApiView):
    """An endpoint that is told something: POST with a JSON body."""

    http_method_names = ["post", "options"]
