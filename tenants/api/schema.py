"""What the OpenAPI document says beyond what the views show by themselves."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from tenants.api.serializers import ErrorsSerializer, TokenSerializer

SUITE_KEY = OpenApiParameter(
    "suite_key", str, OpenApiParameter.PATH, description="The suite's key (Client ID)."
)
CORP_ID = OpenApiParameter("corp_id", str, OpenApiParameter.PATH, description="The company's corp id.")

TOKEN_EXAMPLE = OpenApiExample(
    "A token",
    value={
        "suite_key": "suiteabcdefgh",
        "corp_id": "ding0123456789",
        "access_token": "3f6c…",
        "expires_at": "2026-11-20T03:00:00Z",
        "expires_in": 7140,
    },
    response_only=True,
    status_codes=["200"],
)

_MEANINGS = {
    400: "A parameter is wrong: `attr` names it. Where people log in also `code_spent`, `state_invalid`.",
    401: "No key, or one that is refused: `not_authenticated`, `authentication_failed`, `key_expired`, "
    "`key_revoked`, `client_disabled`.",
    403: "`insufficient_scope`. `dingtalk_permission`: the company has not granted what the call needs. "
    "Where people log in also `company_not_authorized`, `not_of_this_company`, "
    "`login_again`.",
    404: "`not_found`: DingTalk knows no such person, department or role in this company. "
    "`tenant_not_found`, `suite_not_found`: there is none, or the key does not cover it.",
    409: "`tenant_not_active`: `state` says why. `Retry-After` is set while it is on its way to active. "
    "`sso_not_configured`: the suite is not set up for it.",
    429: "`throttled`: see `Retry-After`.",
    502: "`dingtalk_refused`: `dingtalk_code` says why. `proxy_answer_unusable`: it is no JSON, or more than "
    "1 MiB.",
    503: "`token_unavailable`, `dingtalk_unavailable`, `dingtalk_rate_limited`, `temporarily_unavailable`: "
    "see `Retry-After`.",
    504: "`proxy_outcome_unknown`: no answer came, and DingTalk may have acted.",
}


def answers(success: Any, *errors: int) -> dict[int, Any]:
    """Return the responses of an operation: its success, and the errors of all and of this one."""
    codes = sorted({400, 401, 403, 429, 503, *errors})
    refusals = {code: OpenApiResponse(ErrorsSerializer, description=_MEANINGS[code]) for code in codes}
    return {200: success, **refusals}


TOKEN_ANSWERS = answers(OpenApiResponse(TokenSerializer, description="`Cache-Control: no-store`."), 404, 409)


def add_media_type_refusal(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Add to each operation with a body its answer to one that is no JSON (a hook of the schema)."""
    for path in result["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                refusal = {
                    **operation["responses"]["400"],
                    "description": "The body is not `application/json`.",
                }
                operation["responses"]["415"] = refusal
    return result


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer isv_…`."""

    target_class = "tenants.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 - its signature
        """Describe the header."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "isv_<prefix>_<secret>",
            "description": "An API key, made in the admin or by `manage.py api_key create`.",
        }
