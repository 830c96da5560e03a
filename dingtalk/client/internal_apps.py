"""Calls for apps that a company has made for itself: they have a key and a secret, and no suite."""

from dingtalk.client.answers import IssuedToken, token_reader
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller

GET_TOKEN = Call("/gettoken", method="GET")
GET_ACCESS_TOKEN = Call("/v1.0/oauth2/accessToken", family=Family.NEW)


class InternalAppCalls(Caller):
    """While a token is good the same one comes back, and lasts two hours again."""

    def get_internal_app_token(self, *, app_key: str, app_secret: str) -> IssuedToken:
        """
        Get the token of an app by the old call, which has key and secret in the query.

        Refusals: 40035 one of them is missing, 40096 wrong. Source: obtain-orgapp-token.
        """
        request = Request(GET_TOKEN, query={"appkey": app_key, "appsecret": app_secret})
        return self.ask(request, token_reader("access_token", "expires_in"))

    def get_internal_app_access_token(self, *, app_key: str, app_secret: str) -> IssuedToken:
        """
        Get the token of an app by the v1.0 call.

        Refusals: invalidClientIdOrSecret. Source: obtain-the-access-token-of-an-internal-app.
        """
        request = Request(GET_ACCESS_TOKEN, body={"appKey": app_key, "appSecret": app_secret})
        return self.ask(request, token_reader("accessToken", "expireIn"))
