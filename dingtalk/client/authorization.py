"""Calls that begin, describe and complete a company's authorisation of a suite."""

from collections.abc import Sequence
from functools import partial

from dingtalk.client.answers import (
    IssuedToken,
    PermanentCode,
    SuiteIdentity,
    UnactiveCorps,
    read_auth_info,
    read_nothing,
    read_permanent_code,
    read_unactive_corps,
    token_reader,
)
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.protocol.grant import Grant

GET_SUITE_TOKEN = Call("/service/get_suite_token")
GET_SUITE_ACCESS_TOKEN = Call("/v1.0/oauth2/suiteAccessToken", family=Family.NEW)
GET_PERMANENT_CODE = Call("/service/get_permanent_code", repeatable=False, spends_code=True)
GET_AUTH_INFO = Call("/service/get_auth_info")
ACTIVATE_SUITE = Call("/service/activate_suite")
GET_UNACTIVE_CORP = Call("/service/get_unactive_corp")
REAUTH_CORP = Call("/service/reauth_corp")
SET_CORP_IP_WHITELIST = Call("/service/set_corp_ipwhitelist")


class AuthorizationCalls(Caller):
    """The suite's own token, and what it is for."""

    def get_suite_access_token(self, identity: SuiteIdentity) -> IssuedToken:
        """
        Get the suite's own token by the old call.

        Refusals: 40085 ticket; 40080, 40088 key or secret. Source: obtain-application-suite-ticket.
        """
        body = {
            "suite_key": identity.suite_key,
            "suite_secret": identity.suite_secret,
            "suite_ticket": identity.suite_ticket,
        }
        request = Request(GET_SUITE_TOKEN, body=body, suite_key=identity.suite_key)
        return self.ask(request, token_reader("suite_access_token", "expires_in"))

    def create_suite_access_token(self, identity: SuiteIdentity) -> IssuedToken:
        """
        Get the suite's own token by the v1.0 call; it opens the calls of both generations.

        Refusals: invalidSuiteTicket, invalidClientIdOrSecret.
        Source: obtains-the-suite-acess-token-of-third-party-enterprise-applications.
        """
        body = {
            "suiteKey": identity.suite_key,
            "suiteSecret": identity.suite_secret,
            "suiteTicket": identity.suite_ticket,
        }
        request = Request(GET_SUITE_ACCESS_TOKEN, body=body, suite_key=identity.suite_key)
        return self.ask(request, token_reader("accessToken", "expireIn"))

    def get_permanent_code(self, *, suite_access_token: str, tmp_auth_code: str) -> PermanentCode:
        """
        Exchange a temporary code, which works once.

        A TransportError that is not `retryable` may have spent it.
        Source: obtain-a-permanent-authorization-code.
        """
        request = Request(
            GET_PERMANENT_CODE,
            query={"suite_access_token": suite_access_token},
            body={"tmp_auth_code": tmp_auth_code},
        )
        return self.ask(request, read_permanent_code)

    def get_auth_info(self, identity: SuiteIdentity, *, corp_id: str) -> Grant:
        """Get what a company has granted. Source: obtains-the-basic-information-of-an-enterprise."""
        request = Request(
            GET_AUTH_INFO,
            query=self.signed_query(identity),
            body={"auth_corpid": corp_id, "suite_key": identity.suite_key},
            suite_key=identity.suite_key,
            corp_id=corp_id,
        )
        return self.ask(request, partial(read_auth_info, corp_id=corp_id))

    def activate_suite(
        self, *, suite_access_token: str, suite_key: str, corp_id: str, permanent_code: str
    ) -> None:
        """Confirm a company's authorisation; a second time does no harm. Source: activate-suite."""
        request = Request(
            ACTIVATE_SUITE,
            query={"suite_access_token": suite_access_token},
            body={"suite_key": suite_key, "auth_corpid": corp_id, "permanent_code": permanent_code},
            suite_key=suite_key,
            corp_id=corp_id,
        )
        self.ask(request, read_nothing)

    def get_unactive_corps(self, *, suite_access_token: str, app_id: int | None = None) -> UnactiveCorps:
        """
        List companies that wait for activation; there is no way to ask for the rest of a cut list.

        Source: obtains-a-list-of-enterprises-whose-applications-are-not-activated.
        """
        request = Request(
            GET_UNACTIVE_CORP,
            query={"suite_access_token": suite_access_token},
            body={} if app_id is None else {"app_id": app_id},
        )
        return self.ask(request, read_unactive_corps)

    def reauth_corp(self, *, suite_access_token: str, app_id: int | None, corp_ids: Sequence[str]) -> None:
        """
        Have the grants of waiting companies pushed again. `app_id` is text here, a number above.

        Source: re-authorize-enterprises-whose-applications-are-not-activated.
        """
        app = {} if app_id is None else {"app_id": str(app_id)}
        request = Request(
            REAUTH_CORP,
            query={"suite_access_token": suite_access_token},
            body={**app, "corpid_list": list(corp_ids)},
            corp_id=corp_ids[0] if len(corp_ids) == 1 else "",
        )
        self.ask(request, read_nothing)

    def set_corp_ip_whitelist(
        self, *, suite_access_token: str, corp_id: str, addresses: Sequence[str]
    ) -> None:
        """
        Replace the list of addresses from which calls in a company's name are taken.

        Each is IPv4; its last one or two parts may be `*`. Other addresses get 60020 from then on. Source: a
        historic ISV guide; no current page has it.
        """
        request = Request(
            SET_CORP_IP_WHITELIST,
            query={"suite_access_token": suite_access_token},
            body={"auth_corpid": corp_id, "ip_whitelist": list(addresses)},
            corp_id=corp_id,
        )
        self.ask(request, read_nothing)
