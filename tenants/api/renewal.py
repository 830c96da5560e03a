"""The endpoint by which a tenant app says that DingTalk refuses the token that it has."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import token_requests
from tenants.api import schema
from tenants.api.base import WritingApiView
from tenants.api.fields import WordField
from tenants.api.serializers import TokenParametersSerializer, shown_token
from tenants.models import Scope

MAX_TOKEN_LENGTH = 2_048

_EXAMPLE = OpenApiExample("A refused token", value={"refused": "9b1d…", "min_ttl": 300}, request_only=True)


class RefusedTokenSerializer(TokenParametersSerializer):
    """A token that DingTalk does not take any more, and how long the next one must be good for."""

    refused = WordField(
        max_length=MAX_TOKEN_LENGTH,
        help_text="The token that DingTalk refused: 40014, 42001, or `InvalidAuthentication`.",
    )


class TenantAccessTokenRenewal(WritingApiView):
    """A corp access token other than the one that was refused."""

    required_scope = Scope.TOKENS_RENEW
    serializer_class = RefusedTokenSerializer

    @extend_schema(
        operation_id="tenants_access_token_renew",
        summary="Have a refused token renewed",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        request=RefusedTokenSerializer,
        responses=schema.TOKEN_ANSWERS,
        examples=[_EXAMPLE, schema.TOKEN_EXAMPLE],
    )
    def post(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """
        Needs `tokens:renew`.

        The token is renewed only if it is still the current one: of many callers that were refused at once
        the first has it renewed, and the others get the new one.
        """
        body = self.read_body(RefusedTokenSerializer)
        token = token_requests.request_renewal(
            self.key,
            suite_key=suite_key,
            corp_id=corp_id,
            refused=body["refused"],
            min_ttl_seconds=body["min_ttl"],
            actor=self.actor(),
            now=timezone.now(),
        )
        return Response(shown_token(token, suite_key=suite_key, corp_id=corp_id))
