"""The endpoint that signs pages."""

from dataclasses import asdict

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api import schema
from tenants.api.base import WritingApiView
from tenants.jsapi import examples
from tenants.jsapi.configs import sign_page
from tenants.jsapi.serializers import MICRO_APP, JsapiConfigSerializer, PageSerializer
from tenants.models import Scope


class SignedConfig(WritingApiView):
    """What a page of a tenant passes to `dd.config`."""

    required_scope = Scope.JSAPI_SIGN
    serializer_class = PageSerializer

    @extend_schema(
        operation_id="tenants_jsapi_config",
        summary="Sign a page that uses the JSAPI",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        request=PageSerializer,
        responses=schema.answers(JsapiConfigSerializer, 404, 409),
        examples=[examples.PAGE, examples.CONFIG],
    )
    def post(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """
        Needs `jsapi:sign`.

        Only pages on the domains that an operator has listed for the suite are signed: else 400
        `url_not_allowed`. If the client says that the signature is invalid, compare `url` with the page's
        address. Without `agent_id` the company must have one agent that is switched on: else 400
        `agent_required`; one that it does not have is 400 `agent_unknown`.
        """
        body = self.read_body(PageSerializer)
        api_names = body.pop("js_api_list")
        config = sign_page(self.client, suite_key=suite_key, corp_id=corp_id, **body, now=timezone.now())
        shown = {**asdict(config), "type": MICRO_APP, "js_api_list": api_names}
        return Response(JsapiConfigSerializer(shown).data)
