"""Calls that obtain a token to act in a company's name."""

from dingtalk.client.answers import IssuedToken, SuiteIdentity, token_reader
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller

GET_CORP_TOKEN = Call("/service/get_corp_token")
GET_CORP_ACCESS_TOKEN = Call("/v1.0/oauth2/corpAccessToken", family=Family.NEW)
GET_UNIFIED_TOKEN = Call("/v1.0/oauth2/{corpId}/token", family=Family.NEW)


class CorpTokenCalls(Caller):
    """Each issues a new token: the one before it may end at once."""

    def get_corp_token(self, identity: SuiteIdentity, *, corp_id: str) -> IssuedToken:
        """Get a new token of a company by a signed call. Source: obtain-isvapp-token."""
        request = Request(
            GET_CORP_TOKEN,
            query=self.signed_query(identity),
            body={"auth_corpid": corp_id},
            suite_key=identity.suite_key,
            corp_id=corp_id,
        )
        return self.ask(request, token_reader("access_token", "expires_in"))

    def get_corp_access_token(self, identity: SuiteIdentity, *, corp_id: str) -> IssuedToken:
        """
        Get a new token of a company by the v1.0 call.

        Source: obtain-the-access-token-of-the-authorized-enterprise-1.
        """
        body = {
            "suiteKey": identity.suite_key,
            "suiteSecret": identity.suite_secret,
            "authCorpId": corp_id,
            "suiteTicket": identity.suite_ticket,
        }
        request = Request(GET_CORP_ACCESS_TOKEN, body=body, suite_key=identity.suite_key, corp_id=corp_id)
        return self.ask(request, token_reader("accessToken", "expireIn"))

    def get_unified_token(self, *, client_id: str, client_secret: str, corp_id: str) -> IssuedToken:
        """
        Get a new token of a company without a ticket: the one v1.0 call that is written in snake_case.

        `client_id`: a suite key, or the key of an app of the company itself. Refusals: invalid.client,
        unauthorized.client (the company has not authorised the app), server.error. Source: api-gettoken.
        """
        body = {"client_id": client_id, "client_secret": client_secret, "grant_type": "client_credentials"}
        request = Request(
            GET_UNIFIED_TOKEN, path={"corpId": corp_id}, body=body, suite_key=client_id, corp_id=corp_id
        )
        return self.ask(request, token_reader("access_token", "expires_in"))
