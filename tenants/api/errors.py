"""
Our errors as answers: one shape, `{"type", "errors": [{"code", "detail", "attr"}]}`.

Codes are stable and documented in docs/rest-api.md; `detail` is for people and in their language. An error
may carry more members: `state` of a tenant, DingTalk's own code and request id.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response

from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import (
    ApiError,
    CodeSpent,
    DingTalkError,
    HeldBack,
    HoldReason,
    RateLimited,
    Transient,
    TransportError,
)
from tenants.errors import (
    AgentNotUsable,
    CompanyNotAuthorized,
    ContactNotFound,
    LoginAgain,
    LoginStateInvalid,
    NotOfThisCompany,
    PageNotAllowed,
    SsoNotConfigured,
    SuiteNotFound,
    TenantError,
    TenantNotActive,
    TenantNotFound,
    TokenUnavailable,
)
from tenants.models import TenantState

logger = logging.getLogger(__name__)

# A tenant that is on its way to active is there within a second or two.
ON_ITS_WAY = (TenantState.AUTHORIZING, TenantState.ACTIVATING)
ON_ITS_WAY_SECONDS = 2
DATABASE_AWAY_SECONDS = 5
DINGTALK_AWAY_SECONDS = 5


class Refusal(APIException):
    """An answer with what to wait for, and with more members than the usual three."""

    def __init__(self, *, wait: int | None = None, **members: Any) -> None:
        super().__init__()
        self.wait = wait
        self.members = {name: value for name, value in members.items() if value}


class NoSuchTenant(Refusal):
    """404: the same for a tenant that is not there, and for one that the key does not cover."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "tenant_not_found"
    default_detail = _("No such tenant.")


class TenantIsNotActive(Refusal):
    """409: carries the state."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "tenant_not_active"
    default_detail = _("The company's authorisation does not allow calls now.")


class NoTokenNow(Refusal):
    """503: carries DingTalk's code and request id when it refused."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "token_unavailable"
    default_detail = _("No token can be had now. Try again later.")


class DingTalkRefused(Refusal):
    """502: DingTalk said no for a reason that lies with neither the app nor the company."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_code = "dingtalk_refused"
    default_detail = _("DingTalk refused the call.")


class DingTalkParameterWrong(Refusal):
    """400: DingTalk does not take what the app wants to be sent."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "dingtalk_parameter"
    default_detail = _("DingTalk does not accept these values.")


class DingTalkPermissionMissing(Refusal):
    """403: the company has not granted what the call needs."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "dingtalk_permission"
    default_detail = _("The company has not granted what this call needs.")


class NotFoundAtDingTalk(Refusal):
    """404: the company has no such user, department, or whatever was asked for."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_found"
    default_detail = _("DingTalk knows no such thing in this company.")


class CodeIsSpent(Refusal):
    """400: a one-time code was used, has expired, or is none."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "code_spent"
    default_detail = _("This code was used, has expired, or is unknown.")


class DingTalkUnavailable(Refusal):
    """503: no usable answer; whether DingTalk acted may be unknown."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "dingtalk_unavailable"
    default_detail = _("DingTalk gives no usable answer now. Try again later.")


class DingTalkLimit(Refusal):
    """503: a limit of DingTalk's is reached."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "dingtalk_rate_limited"
    default_detail = _("DingTalk allows no more calls now. Try again later.")


class NoSuchSuite(Refusal):
    """404: the same for a suite that is not there, and for one that the key does not cover."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "suite_not_found"
    default_detail = _("No such suite.")


class StateIsInvalid(Refusal):
    """400: the login was not begun by this app, is too old, or was completed already."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "state_invalid"
    default_detail = _("This state is unknown, was used, or has expired. Begin the login again.")


class CompanyIsNotAuthorized(Refusal):
    """403: who logs in is of a company that has not authorised the suite, or that the key does not cover."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "company_not_authorized"
    default_detail = _("This person's company has not authorised the app.")


class IsNotOfThisCompany(Refusal):
    """403: who logs in chose another company, or is no member that the app may see."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "not_of_this_company"
    default_detail = _("This person is not known to be of the company that was asked for.")


class MustLogInAgain(Refusal):
    """403: a session is none, or none any more."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "login_again"
    default_detail = _("This person has to log in again.")


class SsoIsNotConfigured(Refusal):
    """409: an operator has to complete the suite's settings."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "sso_not_configured"
    default_detail = _("This suite is not set up for logins from the admin console.")


class AgentIsAmbiguous(Refusal):
    """400: the tenant has several agents, or none that is known yet."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "agent_required"
    default_detail = _("Say which agent sends: the company does not have exactly one.")


class AgentIsUnknown(Refusal):
    """400: no agent of this tenant."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "agent_unknown"
    default_detail = _("The company has no such agent of this suite.")


class UrlNotAllowed(Refusal):
    """400: not a plain address on one of the suite's domains; so is every one where none is listed."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "url_not_allowed"
    default_detail = _("The suite does not sign pages of this address.")


class DatabaseAway(Refusal):
    """503: nobody can be let in and nothing can be looked up."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "temporarily_unavailable"
    default_detail = _("The service is not available now. Try again later.")


def _tenant_is_not_active(error: TenantNotActive) -> Refusal:
    return TenantIsNotActive(
        state=error.state, wait=ON_ITS_WAY_SECONDS if error.state in ON_ITS_WAY else None
    )


def _agent_not_usable(error: AgentNotUsable) -> Refusal:
    return AgentIsUnknown() if error.is_named else AgentIsAmbiguous()


def _no_token_now(error: TokenUnavailable) -> Refusal:
    logger.warning("No token for a tenant app", extra={"reason": str(error), "dingtalk_code": error.code})
    return NoTokenNow(
        wait=error.retry_after_seconds, dingtalk_code=error.code, dingtalk_request_id=error.request_id
    )


def _refused_by_dingtalk(error: ApiError) -> Refusal:
    kind = next((answer for known, answer in _BY_ERROR.items() if isinstance(error, known)), None)
    kind = kind or _BY_ACTION.get(error.action, DingTalkRefused)
    wait = max(1, round(error.retry_after_seconds)) if isinstance(error, RateLimited) else None
    return kind(
        wait=DINGTALK_AWAY_SECONDS if kind is DingTalkUnavailable else wait,
        dingtalk_code=error.sub_code or error.code,
        dingtalk_message=error.message,
        dingtalk_request_id=error.request_id,
    )


def _held_back(error: HeldBack) -> Refusal:
    """The call was not sent: DingTalk has said nothing that could be passed on."""
    kind = DingTalkUnavailable if error.reason is HoldReason.BREAKER else DingTalkLimit
    return kind(wait=max(1, math.ceil(error.retry_after_seconds)))


def _no_answer_of_dingtalk(_error: TransportError) -> Refusal:
    return DingTalkUnavailable(wait=DINGTALK_AWAY_SECONDS)


def plainly(kind: type[Refusal]) -> Callable[[Any], Refusal]:
    """Answer an error that says everything by its type."""
    return lambda _error: kind()


def _database_away(_error: Exception) -> Refusal:
    return DatabaseAway(wait=DATABASE_AWAY_SECONDS)


_BY_ERROR: dict[type[ApiError], type[Refusal]] = {
    RateLimited: DingTalkLimit,
    Transient: DingTalkUnavailable,
    CodeSpent: CodeIsSpent,
}
_BY_ACTION: dict[Action, type[Refusal]] = {
    Action.PARAM: DingTalkParameterWrong,
    Action.PERMISSION: DingTalkPermissionMissing,
    Action.NOT_FOUND: NotFoundAtDingTalk,
}
# Capabilities with answers of their own add them in their `answers.py`, which their views import.
ANSWERS: dict[type[Exception], Callable[[Any], Refusal]] = {
    TenantNotFound: plainly(NoSuchTenant),
    TenantNotActive: _tenant_is_not_active,
    TokenUnavailable: _no_token_now,
    AgentNotUsable: _agent_not_usable,
    SuiteNotFound: plainly(NoSuchSuite),
    LoginStateInvalid: plainly(StateIsInvalid),
    CompanyNotAuthorized: plainly(CompanyIsNotAuthorized),
    NotOfThisCompany: plainly(IsNotOfThisCompany),
    LoginAgain: plainly(MustLogInAgain),
    SsoNotConfigured: plainly(SsoIsNotConfigured),
    PageNotAllowed: plainly(UrlNotAllowed),
    HeldBack: _held_back,
    ApiError: _refused_by_dingtalk,
    TransportError: _no_answer_of_dingtalk,
    ContactNotFound: plainly(NotFoundAtDingTalk),
    OperationalError: _database_away,
    InterfaceError: _database_away,
}


class ApiExceptionHandler(ExceptionHandler):
    """Knows our errors."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        for known, answer in ANSWERS.items():
            if isinstance(exc, known):
                return answer(exc)
        if isinstance(exc, SuspiciousOperation):
            # What Django itself refuses, more than 1,000 parameters for instance. REST framework would not.
            return ParseError()
        return super().convert_known_exceptions(exc)

    def report_exception(self, exc: APIException, response: Response) -> None:
        """Report failures of ours; what DingTalk does not give is an answer like others."""
        if not isinstance(self.exc, TenantError | DingTalkError):
            super().report_exception(exc, response)


class ApiExceptionFormatter(ExceptionFormatter):
    """Adds the further members of a refusal to its one error."""

    def run(self) -> Any:
        body = super().run()
        if isinstance(self.exc, Refusal):
            body["errors"][0] |= self.exc.members
        return body
