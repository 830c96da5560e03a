"""Endpoints by which tenant apps call DingTalk. Each needs `proxy`, and a key that allows the path."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.request import Request

from dingtalk.client.call import Family
from tenants.api import schema
from tenants.api.base import ApiView
from tenants.api.parsers import MEDIA_TYPE, read_json_body
from tenants.models import Scope
from tenants.proxy.answers import OwnTokenRefused, PathNotAllowed
from tenants.proxy.passing import Wanted, pass_on

METHODS = ("get", "post", "put", "patch", "delete")
# Tells DingTalk's own answers, also its refusals, from ours.
ORIGIN_HEADER, ORIGIN = "X-Answer-From", "dingtalk"

_PATH = OpenApiParameter(
    "path", str, OpenApiParameter.PATH, description="The path at DingTalk, without the slash before it."
)
_ANSWER = OpenApiResponse(
    OpenApiTypes.OBJECT,
    description="DingTalk's own answer with its status, also one that says no. `X-Answer-From: dingtalk`.",
)
_BODY = OpenApiExample("What DingTalk is sent", value={"userid": "zhangsan"}, request_only=True)
_SAYS_YES = OpenApiExample(
    "DingTalk says yes",
    value={"errcode": 0, "errmsg": "ok", "result": {"userid": "zhangsan"}, "request_id": "4zbd1xqeyx2z"},
    response_only=True,
    status_codes=["200"],
)
_DESCRIPTION = (
    "Needs `proxy`, and a key whose list of paths allows this one, else it is "
    f"`{PathNotAllowed.default_code}`. The query is passed on, and the body, which is a JSON object. "
    f"The portal adds the company's token; one that the call brings is `{OwnTokenRefused.default_code}`."
)


def _operations(family: str) -> dict[str, Callable[[Any], Any]]:
    return {
        method: extend_schema(
            operation_id=f"proxy_{family}_{method}",
            summary=f"Call DingTalk ({family}, {method.upper()})",
            description=_DESCRIPTION,
            parameters=[schema.SUITE_KEY, schema.CORP_ID, _PATH],
            request=None if method == "get" else OpenApiTypes.OBJECT,
            responses=schema.answers(_ANSWER, 404, 409, 502, 504),
            examples=[_BODY, _SAYS_YES] if method == "post" else [_SAYS_YES],
        )
        for method in METHODS
    }


class EveryName(frozenset[str]):
    """A set that has every name: the parameters are DingTalk's."""

    def __contains__(self, name: object) -> bool:
        return True


class ProxyView(ApiView):
    """A path of one family of DingTalk's API."""

    required_scope = Scope.PROXY
    parameters = EveryName()
    http_method_names = list(METHODS)
    family: ClassVar[Family]

    def pass_on(self, request: Request, suite_key: str, corp_id: str, path: str) -> HttpResponse:
        """Make the call, and answer as DingTalk does."""
        wanted = Wanted(
            family=self.family,
            method=request.method or "",
            path=f"/{path}",
            query=request.query_params.dict(),
            body=read_json_body(request) if _has_body(request) else None,
        )
        answer = pass_on(
            self.key, wanted, suite_key=suite_key, corp_id=corp_id, actor=self.actor(), now=timezone.now()
        )
        headers = {ORIGIN_HEADER: ORIGIN}
        return HttpResponse(answer.body, status=answer.status, content_type=MEDIA_TYPE, headers=headers)

    get = post = put = patch = delete = pass_on


@extend_schema_view(**_operations("oapi"))
class OldFamilyProxy(ProxyView):
    """Paths of oapi.dingtalk.com: the token goes into the query."""

    family = Family.OLD


@extend_schema_view(**_operations("api"))
class NewFamilyProxy(ProxyView):
    """Paths of api.dingtalk.com: the token goes into a header."""

    family = Family.NEW


def _has_body(request: Request) -> bool:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    return length != "0" or "HTTP_TRANSFER_ENCODING" in request.META
