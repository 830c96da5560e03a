"""What the control interface does about logins."""

from typing import Any

from dingtalk.simulator.codes import CodeKind
from dingtalk.simulator.control_input import BadRequest
from dingtalk.simulator.login_page import SCOPES
from dingtalk.simulator.world import Company, Person, Suite, World


def login_code(
    world: World, suite: Suite, company: Company, person: Person, body: dict[str, Any]
) -> dict[str, Any]:
    """Make a code of the `kind` that is asked for; `scope` is that of a login page."""
    scope = body.get("scope", "openid corpid")
    if scope not in SCOPES:
        raise BadRequest(f"scope is one of: {', '.join(SCOPES)}")
    try:
        kind = CodeKind(body.get("kind", CodeKind.IN_APP))
    except ValueError as error:
        raise BadRequest(f"kind is one of: {', '.join(CodeKind)}") from error
    code = world.login_codes.issue(
        kind,
        suite_key=suite.suite_key,
        corp_id=company.corp_id,
        userid=person.userid,
        tells_company=scope == "openid corpid",
    )
    return {"code": code.text, "kind": kind.value, "expires_at_ms": code.expires_at_ms}
