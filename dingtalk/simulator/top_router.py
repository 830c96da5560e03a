"""
The form of old clients: one path for every call, its name in `method`, the token in `session`.

`dingtalk.oapi.user.listid` is `/topapi/user/listid`, and `dingtalk.oapi.auth.scopes` is `/auth/scopes`. The
answer is wrapped in `<method>_response`, and a list of texts or numbers in `string` or `number`; with
`simplify` nothing is. What the gateway refuses is wrapped in `error_response`. Lists of objects are bare:
what the platform wraps them in differs from call to call.

The documents do not name this form any more, but the community's client for Python (007gzs/dingtalk-sdk) and
calls of the official one for Java use it.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response, StreamingResponse

from dingtalk.simulator import endpoints
from dingtalk.simulator.answers import json_response
from dingtalk.simulator.bodies import Parameters, UnreadableBody, old_family_parameters

PATH = "/router/rest"
_FAMILY = "dingtalk.oapi."
_MESSAGES, _OLDEST_MESSAGES = "/topapi/message/corpconversation", "dingtalk.corp.message.corpconversation"
# Older than that family: their answers have all in `result`, with the error under other names.
_OLDEST = {
    f"{_OLDEST_MESSAGES}.asyncsend": f"{_MESSAGES}/asyncsend_v2",
    f"{_OLDEST_MESSAGES}.getsendprogress": f"{_MESSAGES}/getsendprogress",
    f"{_OLDEST_MESSAGES}.getsendresult": f"{_MESSAGES}/getsendresult",
}


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
        return _OLDEST.get(self.name, PATH)

    @property
    def method(self) -> str:
        """An HTTP method that the call takes: the router takes GET and POST for each."""
        endpoint = endpoints.OLD_FAMILY.get(self.path)
        return endpoint.methods[0] if endpoint else "POST"

    def wrapped(self, response: Response) -> Response:
        """An answer of the old family in the wrapping of this form; anything else as it is."""
        if isinstance(response, StreamingResponse):
            return response
        body = bytes(response.body)
        return json_response(self._wrapped(json.loads(body))) if body.startswith(b'{"errcode"') else response

    def _wrapped(self, content: dict[str, Any]) -> dict[str, Any]:
        if "sub_code" in content:
            code, message = content.pop("errcode"), content.pop("errmsg")
            return {"error_response": {"code": code, "msg": message, **content}}
        if self.name in _OLDEST:
            content = _in_result(content)
        if self.is_simplified:
            return content
        return {f"{self.name.replace('.', '_')}_response": _with_named_lists(content)}


def read(query: QueryParams, body: bytes, *, content_type: str) -> TopCall:
    """The call of a request; parameters are taken from query and body alike."""
    try:
        values = old_family_parameters(query, body, content_type=content_type).values
    except UnreadableBody:
        values = dict(query)
    given = Parameters(values)
    return TopCall(
        name=given.text("method"),
        parameters=Parameters({**values, **_message(given), "access_token": given.text("session")}),
        is_simplified=given.text("simplify") == "true",
    )


def _message(given: Parameters) -> dict[str, Any]:
    """The message of a call that names its type and its content apart."""
    kind, content = given.text("msgtype"), given.members("msgcontent")
    return {} if content is None else {"msg": {"msgtype": kind, kind: content}}


def _in_result(content: dict[str, Any]) -> dict[str, Any]:
    code, message, request_id = (content.pop(name) for name in ("errcode", "errmsg", "request_id"))
    told = {"ding_open_errcode": code, "error_msg": message, "success": code == 0}
    return {"result": {**content, **told}, "request_id": request_id}


def _with_named_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_named_lists(each) for name, each in value.items()}
    if not isinstance(value, list) or not value:
        return value
    for kind, name in ((str, "string"), (int, "number")):
        if all(isinstance(each, kind) for each in value):
            return {name: value}
    return [_with_named_lists(each) for each in value]
