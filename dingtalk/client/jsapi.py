"""Calls that obtain a ticket to sign pages with which use the JSAPI of the DingTalk client."""

from dingtalk.client.answers import IssuedToken, token_reader
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller

GET_JSAPI_TICKET = Call("/get_jsapi_ticket", method="GET")
CREATE_JSAPI_TICKET = Call("/v1.0/oauth2/jsapiTickets", family=Family.NEW)


class JsapiCalls(Caller):
    """
    Each is made with the company's token, and may be repeated.

    While a ticket is good the same one comes back, prolonged by two hours; a day after it was made it is
    dead all the same.
    """

    def get_jsapi_ticket(self, *, corp_access_token: str) -> IssuedToken:
        """
        Get the company's ticket by the old call.

        Refusals: 40014 token; 60020 address not in the white list. Source: obtain-jsapi-ticket.
        """
        request = Request(GET_JSAPI_TICKET, query={"access_token": corp_access_token})
        return self.ask(request, token_reader("ticket", "expires_in"))

    def create_jsapi_ticket(self, *, corp_access_token: str) -> IssuedToken:
        """
        Get the company's ticket by the v1.0 call, which has an empty body.

        Refusals: invalidClientIdOrSecret, systemBusy. Source: create-a-jsapi-ticket.
        """
        request = Request(CREATE_JSAPI_TICKET, token=corp_access_token)
        return self.ask(request, token_reader("jsapiTicket", "expireIn"))
