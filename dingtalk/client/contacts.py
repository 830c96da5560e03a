"""Calls about the people and departments that a company lets the app see."""

from dingtalk.client.answers import read_auth_scopes
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.protocol.grant import AuthScope

GET_AUTH_SCOPES = Call("/auth/scopes", method="GET")


class ContactCalls(Caller):
    """Each is made with the company's token."""

    def get_auth_scopes(self, *, corp_access_token: str) -> AuthScope:
        """Get whom the app may see. Source: obtain-corpsecret-authorization-scope."""
        request = Request(GET_AUTH_SCOPES, query={"access_token": corp_access_token})
        return self.ask(request, read_auth_scopes)
