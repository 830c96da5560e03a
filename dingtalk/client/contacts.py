"""Calls about the people and departments that a company lets the app see."""

from collections.abc import Mapping
from typing import Any

from dingtalk.client.answers import read_auth_scopes, read_object
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import read_identifier
from dingtalk.protocol.grant import AuthScope

GET_AUTH_SCOPES = Call("/auth/scopes", method="GET")
GET_USER_ID_BY_UNION_ID = Call("/topapi/user/getbyunionid")

_ID_LENGTH = 64


class ContactCalls(Caller):
    """Each is made with the company's token."""

    def get_auth_scopes(self, *, corp_access_token: str) -> AuthScope:
        """Get whom the app may see. Source: obtain-corpsecret-authorization-scope."""
        request = Request(GET_AUTH_SCOPES, query={"access_token": corp_access_token})
        return self.ask(request, read_auth_scopes)

    def get_user_id_by_union_id(self, *, corp_access_token: str, union_id: str) -> str:
        """
        Get the userid that a person has in this company.

        Errors: 60121 nobody here has this union id, 400002. Source: query-a-user-by-the-union-id.
        """
        request = Request(
            GET_USER_ID_BY_UNION_ID,
            query={"access_token": corp_access_token},
            body={"unionid": union_id},
        )
        return self.ask(request, read_user_id)


def read_user_id(members: Mapping[str, Any]) -> str:
    """Read whom an answer names in its `result`."""
    user_id = read_identifier(read_object(members, "result").get("userid"), _ID_LENGTH)
    if not user_id:
        raise UnusableAnswer("no userid in the answer")
    return user_id
