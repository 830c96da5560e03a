"""
Events as Stream mode pushes them: what happened in the headers, the rows' data in lowerCamelCase.

`corpid`, `agentid`, `appid` and `userid` stay as they are, and `org_suite_relieve` has no data at all.
Source: developerpedia `learn/stream/protocol`, `configure-stream-push`
"""

from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.documents import app_state_data, grant_data
from dingtalk.simulator.world import Company, Grant, Suite

Document = dict[str, Any]


def is_stream_event(content: object) -> bool:
    """Whether a content is one that goes over a Stream connection."""
    return isinstance(content, dict) and {"eventType", "eventId", "data"} <= content.keys()


def ticket_event(suite: Suite) -> Document:
    """The current ticket; its company is the ISV's own."""
    data = {"suiteTicket": suite.ticket.text}
    return _event("suite_ticket", suite, suite.isv_corp_id, data, at_ms=suite.ticket.issued_at_ms)


def grant_event(action: str, grant: Grant, *, suite: Suite, company: Company, at_ms: int) -> Document:
    """`org_suite_auth` and `org_suite_change` with the whole grant."""
    data = camel_case(grant_data(action, grant, suite=suite, company=company))
    return _event(action, suite, company.corp_id, data, at_ms=at_ms)


def relieve_event(*, suite: Suite, corp_id: str, at_ms: int) -> Document:
    """The company withdrew: only the headers name it."""
    return _event("org_suite_relieve", suite, corp_id, {}, at_ms=at_ms)


def app_state_event(action: str, grant: Grant, *, suite: Suite, at_ms: int) -> Document:
    """The company's switch for the app, or who sees it."""
    return _event(action, suite, grant.corp_id, camel_case(app_state_data(action, grant)), at_ms=at_ms)


def camel_case(value: Any) -> Any:
    """The value with every name in it in lowerCamelCase."""
    if isinstance(value, dict):
        return {_camel_case(name): camel_case(each) for name, each in value.items()}
    return [camel_case(each) for each in value] if isinstance(value, list) else value


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _event(event_type: str, suite: Suite, corp_id: str, data: Document, *, at_ms: int) -> Document:
    return {
        "eventType": event_type,
        "eventId": invention.uuid_text(),
        "eventCorpId": corp_id,
        "eventBornTime": at_ms,
        "eventUnifiedAppId": f"unified-{suite.app_id}",
        "data": data,
    }
