"""What the proxy answers where DingTalk's own answer is not passed on."""

from django.utils.translation import gettext_lazy as _
from rest_framework import status

from tenants.api.errors import ANSWERS, Refusal, plainly
from tenants.errors import (
    ProxyAnswerUnusable,
    ProxyOutcomeUnknown,
    ProxyParameterRefused,
    ProxyPathNotAllowed,
)


class PathNotAllowed(Refusal):
    """403: the key does not allow the path, or no key can."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "proxy_path_not_allowed"
    default_detail = _("This key may not call this path at DingTalk.")


class OwnTokenRefused(Refusal):
    """400: the portal adds the token, so the app may not."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "proxy_parameter_not_allowed"
    default_detail = _("The portal adds the token: send none yourself.")


class AnswerNotPassedOn(Refusal):
    """502: DingTalk may have acted; what it answered is no JSON, or too large."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_code = "proxy_answer_unusable"
    default_detail = _("DingTalk's answer cannot be passed on.")


class OutcomeIsUnknown(Refusal):
    """504: no answer came; the app has to look before it repeats the call."""

    status_code = status.HTTP_504_GATEWAY_TIMEOUT
    default_code = "proxy_outcome_unknown"
    default_detail = _("No answer came from DingTalk. It may have acted: look before you repeat the call.")


ANSWERS |= {
    ProxyPathNotAllowed: plainly(PathNotAllowed),
    ProxyParameterRefused: plainly(OwnTokenRefused),
    ProxyAnswerUnusable: plainly(AnswerNotPassedOn),
    ProxyOutcomeUnknown: plainly(OutcomeIsUnknown),
}
