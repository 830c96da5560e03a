"""Endpoints by which tenant apps log people in. Each needs `login`, and answers who came to which company."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dingtalk.protocol.login_url import UnusableLogin
from tenants.api import schema
from tenants.api.base import WritingApiView
from tenants.login import browser, examples
from tenants.login.console import log_in_by_sso_code
from tenants.login.in_app import log_in_by_code
from tenants.login.serializers import (
    CodeAndStateSerializer,
    CodeSerializer,
    InAppLoginSerializer,
    LoginAddressSerializer,
    LoginChoiceSerializer,
    LoginSerializer,
    SessionSerializer,
    SsoLoginSerializer,
    choice_of,
    shown_login,
)
from tenants.models import Scope

# What is said of a parameter that makes a login page unusable.
UNUSABLE = {
    "redirect_uri": _("Give an absolute https address without user name and fragment."),
    "corp_id": _("Name the company if the scope is only 'openid'."),
    "org_type": _("This needs the scope 'openid corpid'."),
    "exclusive_corp_id": _("This needs exclusive_login."),
}


class InAppLogin(WritingApiView):
    """Who opened the app inside DingTalk."""

    required_scope = Scope.LOGIN
    serializer_class = CodeSerializer

    @extend_schema(
        operation_id="login_in_app",
        summary="Log a person in inside DingTalk",
        parameters=[schema.SUITE_KEY, schema.CORP_ID],
        request=CodeSerializer,
        responses=schema.answers(InAppLoginSerializer, 404, 409, 502),
        examples=[examples.CODE, examples.IN_APP_LOGIN],
    )
    def post(self, _request: Request, suite_key: str, corp_id: str) -> Response:
        """
        Needs `login`.

        `code` is what the page got from DingTalk's client (`requestAuthCode`) in this company. A code that
        was used, has expired or is unknown is `code_spent`.
        """
        user = log_in_by_code(
            self.client,
            suite_key=suite_key,
            corp_id=corp_id,
            code=self.read_body(CodeSerializer)["code"],
            actor=self.actor(),
            now=timezone.now(),
        )
        members = {"suite_key": suite_key, "corp_id": corp_id, "person": user}
        return Response(InAppLoginSerializer(members).data)


class LoginUrl(WritingApiView):
    """The address of DingTalk's login page, with a state that works once."""

    required_scope = Scope.LOGIN
    serializer_class = LoginChoiceSerializer

    @extend_schema(
        operation_id="login_url",
        summary="Begin a login in a browser",
        parameters=[schema.SUITE_KEY],
        request=LoginChoiceSerializer,
        responses=schema.answers(LoginAddressSerializer, 404),
        examples=[examples.CHOICE, examples.LOGIN_ADDRESS],
    )
    def post(self, _request: Request, suite_key: str) -> Response:
        """Needs `login`. The state is good for 10 minutes, for this suite and your app only."""
        choice = choice_of(self.read_body(LoginChoiceSerializer))
        try:
            address = browser.begin(self.client, suite_key=suite_key, choice=choice, now=timezone.now())
        except UnusableLogin as error:
            raise ValidationError({error.parameter: [UNUSABLE[error.parameter]]}, code="invalid") from error
        return Response(LoginAddressSerializer(address).data)


class LoginExchange(WritingApiView):
    """Who came back from DingTalk's login page."""

    required_scope = Scope.LOGIN
    serializer_class = CodeAndStateSerializer

    @extend_schema(
        operation_id="login_exchange",
        summary="Complete a login in a browser",
        parameters=[schema.SUITE_KEY],
        request=CodeAndStateSerializer,
        responses=schema.answers(LoginSerializer, 404, 502),
        examples=[examples.CODE_AND_STATE, examples.LOGIN],
    )
    def post(self, _request: Request, suite_key: str) -> Response:
        """
        Needs `login`.

        The state is used up first, then the code, whatever the answer is: after a refusal begin again. A
        person of a company that has not authorised the suite, or that the key does not cover, is
        `company_not_authorized`; one who is not of the company that was asked for is `not_of_this_company`.
        """
        body = self.read_body(CodeAndStateSerializer)
        login = browser.complete(
            self.client,
            suite_key=suite_key,
            code=body["code"],
            state=body["state"],
            actor=self.actor(),
            now=timezone.now(),
        )
        return Response(shown_login(suite_key, login))


class LoginRefresh(WritingApiView):
    """Who a session is of, still."""

    required_scope = Scope.LOGIN
    serializer_class = SessionSerializer

    @extend_schema(
        operation_id="login_refresh",
        summary="Ask again who logged in",
        parameters=[schema.SUITE_KEY],
        request=SessionSerializer,
        responses=schema.answers(LoginSerializer, 404, 409, 502),
        examples=[examples.SESSION, examples.LOGIN],
    )
    def post(self, _request: Request, suite_key: str) -> Response:
        """
        Needs `login`.

        Asks DingTalk, with the person's token, which is renewed as long as DingTalk lets it be.
        `login_again`: the person left the company, the company withdrew, the token cannot be renewed, or the
        session is none of yours.
        """
        session = self.read_body(SessionSerializer)["session"]
        login = browser.who_is(
            self.client, suite_key=suite_key, session=session, actor=self.actor(), now=timezone.now()
        )
        return Response(shown_login(suite_key, login))


class SsoLogin(WritingApiView):
    """Who came from DingTalk's admin console."""

    required_scope = Scope.LOGIN
    serializer_class = CodeSerializer

    @extend_schema(
        operation_id="login_sso",
        summary="Log an administrator in from DingTalk's admin console",
        parameters=[schema.SUITE_KEY],
        request=CodeSerializer,
        responses=schema.answers(SsoLoginSerializer, 404, 409, 502),
        examples=[examples.CODE, examples.SSO_LOGIN],
    )
    def post(self, _request: Request, suite_key: str) -> Response:
        """
        Needs `login`.

        `code` is in the query of the address that the console opened. `sso_not_configured`: an operator has
        to set the suite's SSO secret and your own corp id.
        """
        user = log_in_by_sso_code(
            self.client,
            suite_key=suite_key,
            code=self.read_body(CodeSerializer)["code"],
            actor=self.actor(),
            now=timezone.now(),
        )
        members = {
            "suite_key": suite_key,
            "corp_id": user.corp_id,
            "corp_name": user.corp_name,
            "person": user,
        }
        return Response(SsoLoginSerializer(members).data)
