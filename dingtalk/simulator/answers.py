"""
The two shapes of an answer.

Old family: HTTP 200 always, numeric `errcode`. New family: HTTP 4xx with `requestid`, `code`, `message`.
Both are raw UTF-8: the official Java SDK reads `\\u` escapes wrongly.
"""

import json
from typing import Any

from starlette.responses import Response


class OldFamilyError(Exception):
    """An oapi call fails: `errcode`, `errmsg`, and for gateway errors `sub_code` and `sub_msg`."""

    def __init__(self, errcode: int, errmsg: str, *, sub_code: str = "", sub_msg: str = "") -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg
        self.sub_code = sub_code
        self.sub_msg = sub_msg


class NewFamilyError(Exception):
    """A v1.0 call fails: HTTP status, `code`, `message`."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def json_response(content: Any, *, status: int = 200) -> Response:
    """JSON without `\\u` escapes."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, status_code=status, media_type="application/json;charset=UTF-8")


def old_family_success(result: dict[str, Any], *, request_id: str) -> dict[str, Any]:
    """The answer's members and those that say it went well."""
    return {"errcode": 0, "errmsg": "ok", **result, "request_id": request_id}


def old_family_failure(error: OldFamilyError, *, request_id: str) -> dict[str, Any]:
    """The members of an oapi error."""
    content: dict[str, Any] = {"errcode": error.errcode, "errmsg": error.errmsg}
    if error.sub_code:
        content |= {"sub_code": error.sub_code, "sub_msg": error.sub_msg}
    return {**content, "request_id": request_id}


def new_family_failure(error: NewFamilyError, *, request_id: str) -> dict[str, Any]:
    """The members of a v1.0 error; `requestid` is lower case."""
    content: dict[str, Any] = {"requestid": request_id, "code": error.code, "message": error.message}
    if error.status == 403:
        content["accessdenieddetail"] = {}
    return content
