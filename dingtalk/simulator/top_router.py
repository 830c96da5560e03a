"""
The form of old clients: one path for every call, its name in `method`, the token in `session`.

`dingtalk.oapi.user.listid` is `/topapi/user/listid`, and `dingtalk.oapi.auth.scopes` is `/auth/scopes`. The
answer is wrapped in `<method>_response`, or with `simplify` in nothing; what the gateway refuses is wrapped
in `error_response`. The documents do not name this form any more, but the community's client for Python and
calls of the official one for Java use it. Lists are bare in either form of an answer.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from dingtalk.simulator import endpoints
from dingtalk.simulator.answers import json_response
from dingtalk.simulator.bodies import Parameters, UnreadableBody, old_family_parameters

PATH = "/router/rest"
_FAMILY = "dingtalk.oapi."


@dataclass(frozen=True, slots=True)
class TopCall:
    """A call in this form: its name and what it was given, the token under the name of the other form."""

    name: str
    parameters: Parameters = field(repr=False)
    is_simplified: bool

    @property
    def path(self) -> str:
        """The path of the same call in today's form; the router's own when there is no such call."""
        if self.name.startswith(_FAMILY):
            rest = self.name.removeprefix(_FAMILY).replace(".", "/")
            for path in (f"/topapi/{rest}", f"/{rest}"):
                if path in endpoints.OLD_FAMILY:
                    return path
        return PATH

    @property
    def method(self) -> str:
        """An HTTP method that the call takes: the router takes GET and POST for each."""
        endpoint = endpoints.OLD_FAMILY.get(self.path)
        return endpoint.methods[0] if endpoint else "POST"

    def wrapped(self, response: Response) -> Response:
        """An answer of the old family in the wrapping of this form; anything else as it is."""
        body = bytes(response.body)
        return json_response(self._wrapped(json.loads(body))) if body.startswith(b'{"errcode"') else response

    def _wrapped(self, content: dict[str, Any]) -> dict[str, Any]:
        if "sub_code" in content:
            code, message = content.pop("errcode"), content.pop("errmsg")
            return {"error_response": {"code": code, "msg": message, **content}}
        return content if self.is_simplified else {f"{self.name.replace('.', '_')}_response": content}


def read(query: QueryParams, body: bytes, *, content_type: str) -> TopCall:
    """The call of a request; parameters are taken from query and body alike."""
    try:
        values = old_family_parameters(query, body, content_type=content_type).values
    except UnreadableBody:
        values = dict(query)
    given = Parameters(values)
    return TopCall(
        name=given.text("method"),
        parameters=Parameters({**values, "access_token": given.text("session")}),
        is_simplified=given.text("simplify") == "true",
    )
