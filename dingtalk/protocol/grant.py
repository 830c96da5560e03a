"""
What a company granted: its profile, the app's agents there, the scope.

The same facts come in a biz_type 4 row and as an answer of get_auth_info; v1.0 and Stream spell them in
camelCase. Whatever has the wrong type is dropped: a grant is not refused for an odd logo.

Source: open.dingtalk.com, "event-org-suite-auth", "obtains-the-basic-information-of-an-enterprise"
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.fields import clean_text, first_of, read_bool, read_identifier, read_int

_ID_LENGTH = 64
_NAME_LENGTH = 200
_URL_LENGTH = 500
_CODE_LENGTH = 512
# What a column of the database holds.
_LARGEST_LEVEL = 2**31 - 1


class AuthScope(TypedDict):
    """Whom and what of them the app may see; empty lists where nothing was said."""

    user_ids: list[str]
    dept_ids: list[int]
    user_fields: list[str]


@dataclass(frozen=True)
class Agent:
    """The app as installed in one company. `agent_id` differs per company, `app_id` does not."""

    agent_id: int
    app_id: int | None
    name: str
    logo_url: str
    admin_user_ids: tuple[str, ...]


@dataclass(frozen=True)
class Grant:
    """
    An authorisation as last told by DingTalk.

    Texts are empty and numbers None when unknown. `auth_level`: 0 not verified, 1 advanced, 2 medium,
    3 basic. `auth_user_id`: who granted. `auth_scope`: None when nothing was said about it.
    `permanent_code`: only in pushed grants, and secret.
    """

    corp_id: str
    corp_name: str
    full_corp_name: str
    industry: str
    logo_url: str
    auth_level: int | None
    is_authenticated: bool | None
    corp_type: int | None
    invite_code: str
    invite_url: str
    license_code: str
    auth_channel: str
    auth_channel_type: str
    is_ecological_corp: bool | None
    agents: list[Agent]
    auth_user_id: str
    auth_scope: AuthScope | None
    permanent_code: str | None = field(repr=False)

    @property
    def admin_user_ids(self) -> list[str]:
        """The administrators of all agents, each once, in their order."""
        return list(dict.fromkeys(user_id for agent in self.agents for user_id in agent.admin_user_ids))


def read_grant(data: Mapping[str, Any], *, corp_id: str = "") -> Grant:
    """
    Read a grant from a row's data or from an answer.

    `corp_id`: whose it has to be, where the caller knows; v1.0 answers do not say. Raises MalformedEvent when
    neither names an organisation or both name different ones.
    """
    profile = _members(first_of(data, "auth_corp_info", "authCorpInfo"))
    return Grant(
        corp_id=_read_corp_id(profile, expected=corp_id),
        corp_name=_text(profile, "corp_name", "corpName"),
        full_corp_name=_text(profile, "full_corp_name", "fullCorpName"),
        industry=_text(profile, "industry"),
        logo_url=_text(profile, "corp_logo_url", "corpLogoUrl", max_length=_URL_LENGTH),
        auth_level=read_int(first_of(profile, "auth_level", "authLevel"), largest=_LARGEST_LEVEL),
        is_authenticated=read_bool(first_of(profile, "is_authenticated", "isAuthenticated")),
        corp_type=read_int(first_of(profile, "corp_type_v2", "corp_type", "corpType")),
        invite_code=_text(profile, "invite_code", "inviteCode"),
        invite_url=_text(profile, "invite_url", "inviteUrl", max_length=_URL_LENGTH),
        license_code=_text(profile, "license_code", "licenseCode"),
        auth_channel=_text(profile, "auth_channel", "authChannel"),
        auth_channel_type=_text(profile, "auth_channel_type", "authChannelType"),
        is_ecological_corp=read_bool(first_of(profile, "is_ecological_corp", "isEcologicalCorp")),
        agents=_read_agents(data),
        auth_user_id=_read_auth_user_id(data),
        auth_scope=_read_scope(first_of(data, "auth_scope", "authScope")),
        permanent_code=_text(data, "permanent_code", "permanentCode", max_length=_CODE_LENGTH) or None,
    )


def _read_corp_id(profile: Mapping[str, Any], *, expected: str) -> str:
    named = read_identifier(first_of(profile, "corpid", "corpId"), _ID_LENGTH)
    if named is None or (named and expected and named != expected):
        raise MalformedEvent("the grant names another organisation, or none that could be one")
    corp_id = named or expected
    if not corp_id:
        raise MalformedEvent("the grant names no organisation")
    return corp_id


def _read_agents(data: Mapping[str, Any]) -> list[Agent]:
    old = _items(_members(first_of(data, "auth_info", "authInfo")).get("agent"))
    new = _items(_members(data.get("authAppInfo")).get("agentList"))
    agents = (_read_agent(_members(item)) for item in (*old, *new))
    return [agent for agent in agents if agent is not None]


def _read_agent(members: Mapping[str, Any]) -> Agent | None:
    agent_id = read_int(first_of(members, "agentid", "agentId"))
    if agent_id is None:
        return None
    return Agent(
        agent_id=agent_id,
        app_id=read_int(first_of(members, "appid", "appId")),
        name=_text(members, "agent_name", "agentName"),
        logo_url=_text(members, "logo_url", "logoUrl", max_length=_URL_LENGTH),
        admin_user_ids=tuple(_ids(first_of(members, "admin_list", "adminList"))),
    )


def _read_auth_user_id(data: Mapping[str, Any]) -> str:
    user = _members(first_of(data, "auth_user_info", "authUserInfo"))
    return read_identifier(first_of(user, "userId", "userid"), _ID_LENGTH) or ""


def _read_scope(value: object) -> AuthScope | None:
    if not isinstance(value, Mapping):
        return None
    granted = _members(first_of(value, "auth_org_scopes", "authOrgScopes"))
    dept_ids = [read_int(item) for item in _items(first_of(granted, "authed_dept", "authedDept"))]
    return AuthScope(
        user_ids=_ids(first_of(granted, "authed_user", "authedUser")),
        dept_ids=[dept_id for dept_id in dept_ids if dept_id is not None],
        user_fields=_ids(first_of(value, "auth_user_field", "authUserField")),
    )


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _ids(value: object) -> list[str]:
    """The usable identifiers of a list: an odd one is dropped, not mended into that of somebody else."""
    identifiers = (read_identifier(item, _ID_LENGTH) for item in _items(value))
    return [identifier for identifier in identifiers if identifier]


def _text(members: Mapping[str, Any], *names: str, max_length: int = _NAME_LENGTH) -> str:
    return clean_text(first_of(members, *names), max_length)
