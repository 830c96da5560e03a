"""
What is pushed, before encryption: the legacy events and the rows of SyncHTTP.

Sources: `push-suite-ticket-events`, `enterprise-authorized-application-activation-event`,
`revoke-authorization`, `address-book-authorization-scope-change-event`,
`enable-and-disable-application-events` (legacy); `development-data-format-help`, `configure-synchttp-push`
(rows).
"""

import json
from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.profiles import auth_corp_info, auth_info, auth_scopes
from dingtalk.simulator.world import Company, Grant, Suite

SUITE_TICKET, AUTHORISATION, APP_STATE = 2, 4, 7

Document = dict[str, Any]


def url_check(event: str, suite: Suite) -> Document:
    """One of the three checks of a callback URL (`validating-and-updating-callback-url-events`)."""
    if event == "check_url":
        return {"EventType": event}
    return {"EventType": event, "Random": invention.alphanumeric(8), "TestSuiteKey": suite.suite_key}


def legacy_ticket(suite: Suite) -> Document:
    """The current ticket as a legacy event."""
    return {
        "SuiteKey": suite.suite_key,
        "EventType": "suite_ticket",
        "TimeStamp": suite.ticket.issued_at_ms,
        "SuiteTicket": suite.ticket.text,
    }


def legacy_event(event_type: str, *, suite: Suite, corp_id: str, at_ms: int, **more: Any) -> Document:
    """A legacy event of a company."""
    document = {
        "SuiteKey": suite.suite_key,
        "EventType": event_type,
        "TimeStamp": at_ms,
        "AuthCorpId": corp_id,
        **more,
    }
    if event_type == "suite_relieve":
        document["TimeStamp"] = str(at_ms)
    return document


def sync_push(*rows: Document) -> Document:
    """A push of the high channel with these rows."""
    return {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": list(rows)}


def ticket_row(suite: Suite) -> Document:
    """biz_type 2: its corp is the ISV's own."""
    data = {"syncAction": "suite_ticket", "suiteTicket": suite.ticket.text}
    return _row(
        suite,
        biz_type=SUITE_TICKET,
        corp_id=suite.isv_corp_id,
        biz_id=suite.suite_id,
        data=data,
        at_ms=suite.ticket.issued_at_ms,
    )


def grant_data(action: str, grant: Grant, *, suite: Suite, company: Company) -> Document:
    """What is told of a whole grant: `org_suite_auth` and `org_suite_change` differ only in their name."""
    return {
        "syncAction": action,
        "auth_user_info": {"userId": company.admin_userid},
        "auth_corp_info": {
            **auth_corp_info(company),
            "corp_type_v2": 0,
            "is_ecological_corp": False,
        },
        "auth_info": auth_info(grant, suite=suite, company=company),
        "auth_scope": {"errcode": 0, "errmsg": "ok", **auth_scopes(grant)},
        "permanent_code": grant.permanent_code,
        "ch_permanent_code": "",
    }


def grant_row(action: str, grant: Grant, *, suite: Suite, company: Company, at_ms: int) -> Document:
    """biz_type 4 with the whole grant."""
    data = grant_data(action, grant, suite=suite, company=company)
    return _row(
        suite,
        biz_type=AUTHORISATION,
        corp_id=company.corp_id,
        biz_id=suite.suite_id,
        data=data,
        at_ms=at_ms,
    )


def relieve_row(*, suite: Suite, corp_id: str, at_ms: int) -> Document:
    """biz_type 4 without anything else: the company is the row's `corp_id`."""
    data = {"syncAction": "org_suite_relieve"}
    return _row(suite, biz_type=AUTHORISATION, corp_id=corp_id, biz_id=suite.suite_id, data=data, at_ms=at_ms)


def app_state_data(action: str, grant: Grant) -> Document:
    """The company's switch for the app; a changed scope names who sees it, as JSON text."""
    data: Document = {"syncAction": action, "agentId": grant.agent_id}
    if action == "org_micro_app_scope_update":
        data["userVisibleScopes"] = json.dumps(grant.scope.user_ids)
        data["deptVisibleScopes"] = json.dumps(grant.scope.dept_ids)
    return data


def app_state_row(action: str, grant: Grant, *, suite: Suite, at_ms: int) -> Document:
    """biz_type 7."""
    data = app_state_data(action, grant)
    return _row(
        suite,
        biz_type=APP_STATE,
        corp_id=grant.corp_id,
        biz_id=str(suite.app_id),
        data=data,
        at_ms=at_ms,
    )


def _row(suite: Suite, *, biz_type: int, corp_id: str, biz_id: str, data: Document, at_ms: int) -> Document:
    content = {**data, "syncSeq": invention.sync_sequence()}
    return {
        "gmt_create": at_ms,
        "gmt_modified": at_ms,
        "biz_type": biz_type,
        "open_cursor": 0,
        "subscribe_id": suite.subscribe_id,
        "biz_id": biz_id,
        "biz_data": json.dumps(content, ensure_ascii=False),
        "corp_id": corp_id,
        "status": 0,
    }
