"""
Tickets to sign pages with: one a company and suite, the same one while it is good.

Asking prolongs a ticket by two hours; a day after it was made it is dead all the same, and the next one is
another. Source: `obtain-jsapi-ticket`, `create-a-jsapi-ticket`, `jsapi-authentication`
"""

from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.calls import Call
from dingtalk.simulator.identification import header_grant, plain_grant
from dingtalk.simulator.tokens import JsapiTicket
from dingtalk.simulator.world import Grant

Result = dict[str, Any]

LIFETIME_SECONDS = 7_200


def get_jsapi_ticket(call: Call) -> Result:
    """The ticket by the old call, with the company's token in the query."""
    ticket = ticket_of(call, plain_grant(call))
    return {"ticket": ticket.text, "expires_in": LIFETIME_SECONDS}


def create_jsapi_ticket(call: Call) -> Result:
    """The ticket by the v1.0 call, with the company's token in the header and an empty body."""
    ticket = ticket_of(call, header_grant(call))
    return {"jsapiTicket": ticket.text, "expireIn": LIFETIME_SECONDS}


def ticket_of(call: Call, grant: Grant) -> JsapiTicket:
    """The good ticket of a grant, prolonged, or a new one."""
    now_ms = call.world.clock.now_ms()
    ticket = grant.jsapi_ticket
    if ticket is None or not ticket.is_good(now_ms):
        ticket = JsapiTicket(text=invention.alphanumeric(64), made_at_ms=now_ms, expires_at_ms=0)
        grant.jsapi_ticket = ticket
    ticket.expires_at_ms = now_ms + LIFETIME_SECONDS * 1000
    return ticket
