"""Calls that obtain a token to act in a company's name."""

from dingtalk.client.answers import IssuedToken, SuiteIdentity, token_reader
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller

GET_CORP_TOKEN = Call("/service/get_corp_token")
GET_CORP_ACCESS_TOKEN = Call("/v1.0/oauth2/corpAccessToken", family=Family.NEW)


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
