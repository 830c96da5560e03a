"""
DingTalk's events about authorisations and companies, each handed to one service.

SyncHTTP rows (biz_type 2, 4, 7, 16) and legacy HTTP events say the same with other names.
Sources: authorization-event-1, enterprise-authorized-application-activation-event, revoke-authorization,
address-book-authorization-scope-change-event, enable-and-disable-application-events,
event-subscription-for-enterprise-changes, enterprise-delete-stream, hidden-event-list.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from dingtalk.models import ReceivedEvent
from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.fields import first_of, read_identifier, read_int
from dingtalk.protocol.grant import read_grant
from dingtalk.protocol.json_guard import read_json
from dingtalk.routing import Ignored, routes
from tenants import companies, services, waking
from tenants.identifiers import is_corp_id

_OUTDATED = Ignored(gettext_noop("older than what is known of this company"))
_NOT_AUTHORISED = Ignored(gettext_noop("the company has not authorised this suite"))
_LICENCE_ANSWERED = Ignored(gettext_noop("answered with success, by which DingTalk takes the code for valid"))
_MAX_CODE_LENGTH = 512
_MAX_ID_LENGTH = 64


@routes.on("suite_ticket")
def wake_waiting_tenants(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """The ticket itself was stored when it was received; who waited for it goes on."""
    waking.suite_ticket_arrived(event.suite, now=now)
    return None


@routes.on("org_suite_auth", "org_suite_change")
def authorize(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """Both carry the whole grant, and the latter may have replaced the former."""
    applied = services.authorize_tenant(
        suite=event.suite,
        corp_id=event.corp_id,
        grant=read_grant(event.data(), corp_id=_required_corp_id(event)),
        platform_time=event.platform_time,
        now=now,
        reason=event.event_type,
    )
    return None if applied else _OUTDATED


@routes.on("tmp_auth_code")
def receive_tmp_auth_code(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """Legacy HTTP: the grant itself has to be fetched with the code."""
    code = read_identifier(event.data().get("AuthCode"), _MAX_CODE_LENGTH)
    if not code:
        raise MalformedEvent("the event carries no AuthCode")
    applied = services.receive_tmp_auth_code(
        suite=event.suite,
        corp_id=_required_corp_id(event),
        tmp_auth_code=code,
        platform_time=event.platform_time,
        now=now,
        reason=event.event_type,
    )
    return None if applied else _OUTDATED


@routes.on("change_auth")
def rescope(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """Legacy HTTP: says only that the scope changed."""
    applied = services.rescope_tenant(
        suite=event.suite,
        corp_id=_required_corp_id(event),
        platform_time=event.platform_time,
        now=now,
        reason=event.event_type,
    )
    return None if applied else _OUTDATED


@routes.on("org_suite_relieve", "suite_relieve")
def relieve(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """The company withdrew the authorisation."""
    applied = services.relieve_tenant(
        suite=event.suite,
        corp_id=_required_corp_id(event),
        platform_time=event.platform_time,
        now=now,
        reason=event.event_type,
    )
    return None if applied else _OUTDATED


@routes.on("org_micro_app_stop", "org_micro_app_restore", "org_micro_app_remove")
def switch_agent(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """The company's switch of the app. A removed app keeps the grant: to us it is stopped."""
    applied = services.switch_agent(
        suite=event.suite,
        corp_id=_required_corp_id(event),
        agent_id=_agent_id(event.data()),
        is_stopped=event.event_type != "org_micro_app_restore",
        platform_time=event.platform_time,
        now=now,
        reason=event.event_type,
    )
    return None if applied else _OUTDATED


@routes.on("org_micro_app_scope_update")
def store_visible_scope(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """The company changed who sees the app."""
    data = event.data()
    applied = services.store_visible_scope(
        suite=event.suite,
        corp_id=_required_corp_id(event),
        agent_id=_agent_id(data),
        user_ids=_ids_in_json_text(data.get("userVisibleScopes")),
        dept_ids=_ids_in_json_text(data.get("deptVisibleScopes")),
        platform_time=event.platform_time,
        now=now,
    )
    return None if applied else _OUTDATED


@routes.on("org_update")
def update_profile(event: ReceivedEvent, *, now: datetime) -> Ignored | None:  # noqa: ARG001 - a handler's signature
    """The company has another name, logo or verification; the members are those of a grant's profile."""
    profile = read_grant({"auth_corp_info": event.data()}, corp_id=_required_corp_id(event))
    applied = companies.update_profile(profile=profile, platform_time=event.platform_time)
    return None if applied else _OUTDATED


@routes.on("org_change")
def refetch_profile(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """Legacy HTTP: says only that something of the company changed."""
    applied = companies.refetch_profile(suite=event.suite, corp_id=_required_corp_id(event), now=now)
    return None if applied else _NOT_AUTHORISED


@routes.on("org_remove")
def dissolve(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
    """The company was dissolved."""
    applied = companies.dissolve_company(
        suite=event.suite,
        corp_id=_required_corp_id(event),
        platform_time=event.platform_time,
        now=now,
        reason=event.event_type,
    )
    return None if applied else _OUTDATED


@routes.on("check_suite_license_code")
def keep_licence_code(event: ReceivedEvent, *, now: datetime) -> Ignored | None:  # noqa: ARG001 - a handler's signature
    """
    Legacy HTTP: a customer typed a licence code. The reply is out, and it is always `success`.

    DingTalk takes that for "valid", so an app that sells by licence code must not rely on this check.
    Source: historic guide only.
    """
    return _LICENCE_ANSWERED


def _required_corp_id(event: ReceivedEvent) -> str:
    """Return whom the event is about; a text that can be no corp id would become a tenant for ever."""
    if not is_corp_id(event.corp_id):
        raise MalformedEvent("the event names no company")
    return event.corp_id


def _agent_id(data: dict[str, Any]) -> str:
    agent_id = read_int(first_of(data, "agentId", "AgentId"))
    if agent_id is None:
        raise MalformedEvent("the event names no agent")
    return str(agent_id)


def _ids_in_json_text(value: object) -> list[str] | None:
    """Return the usable ids of a list that comes as a string holding JSON, or None when nothing was said."""
    if isinstance(value, str):
        try:
            value = read_json(value)
        except MalformedEvent:
            return None
    if not isinstance(value, list):
        return None
    identifiers = (read_identifier(item, _MAX_ID_LENGTH) for item in value)
    return [identifier for identifier in identifiers if identifier]
