"""Calls that tell how a suite is installed in one company."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from dingtalk.client.answers import SuiteIdentity, read_ids, read_items, read_object
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_identifier, read_int
from dingtalk.protocol.grant import Agent

GET_APP_AUTH_INFO = Call("/v1.0/oauth2/apps/authInfo", family=Family.NEW, method="GET")
GET_AGENT = Call("/service/get_agent")

_TEXT_LENGTH = 500


class AgentSwitch(IntEnum):
    """Whether a company's app can be used. Source: obtains-application-information-of-an-enterprise."""

    DISABLED = 0
    NORMAL = 1
    WAITING_FOR_ACTIVATION = 2


@dataclass(frozen=True)
class AppAuthInfo:
    """
    What a company has granted, as the v1.0 call tells it: less than the old one, and no corp id.

    Texts are empty and `auth_level` is None when unknown.
    """

    corp_name: str
    industry: str
    auth_level: int | None
    agents: tuple[Agent, ...]
    auth_user_id: str


@dataclass(frozen=True)
class InstalledAgent:
    """One agent as it is in a company; `switch` is None when DingTalk says something that we do not know."""

    agent_id: int
    name: str
    logo_url: str
    description: str
    switch: AgentSwitch | None


class InstallationCalls(Caller):
    """Each is made with the suite's own token."""

    def get_app_auth_info(self, *, suite_access_token: str, corp_id: str) -> AppAuthInfo:
        """
        Get what a company has granted, by the v1.0 call.

        Refusals: orgNotExist, orgNotAuthApp, invalidCorpId, invalidSuiteKey.
        Source: obtains-the-authorization-information-after-the-enterprise-activates-the-application-1.
        """
        request = Request(
            GET_APP_AUTH_INFO, query={"authCorpId": corp_id}, token=suite_access_token, corp_id=corp_id
        )
        return self.ask(request, _read_app_auth_info)

    def get_agent(
        self, identity: SuiteIdentity, *, suite_access_token: str, corp_id: str, agent_id: int
    ) -> InstalledAgent:
        """
        Get how one agent is installed: signed, and with the suite's token beside the signature.

        Refusals: 40056 and 70004 no such agent in the company; 40082, 42009 token; 853001 to 853005
        signature. Source: obtains-application-information-of-an-enterprise.
        """
        request = Request(
            GET_AGENT,
            query={"suite_access_token": suite_access_token, **self.signed_query(identity)},
            body={"agentid": str(agent_id), "auth_corpid": corp_id, "suite_key": identity.suite_key},
            suite_key=identity.suite_key,
            corp_id=corp_id,
        )
        return self.ask(request, _read_agent)


def _read_app_auth_info(members: Mapping[str, Any]) -> AppAuthInfo:
    corp = read_object(members, "authCorpInfo")
    listed = read_items(read_object(members, "authAppInfo"), "agentList")
    agents = (_read_granted_agent(each) for each in listed if isinstance(each, Mapping))
    admin = members.get("authUserInfo")
    return AppAuthInfo(
        corp_name=clean_text(corp.get("corpName"), _TEXT_LENGTH),
        industry=clean_text(corp.get("industry"), _TEXT_LENGTH),
        auth_level=read_int(corp.get("authLevel")),
        agents=tuple(agent for agent in agents if agent is not None),
        auth_user_id=(read_identifier(admin.get("userId"), 64) or "") if isinstance(admin, Mapping) else "",
    )


def _read_granted_agent(listed: Mapping[str, Any]) -> Agent | None:
    agent_id = read_int(listed.get("agentId"))
    if agent_id is None:
        return None
    return Agent(
        agent_id=agent_id,
        app_id=read_int(listed.get("appId")),
        name=clean_text(listed.get("agentName"), _TEXT_LENGTH),
        logo_url=clean_text(listed.get("logoUrl"), _TEXT_LENGTH),
        admin_user_ids=tuple(read_ids(listed, "adminList")),
    )


def _read_agent(members: Mapping[str, Any]) -> InstalledAgent:
    agent_id = read_int(members.get("agentid"))
    if agent_id is None:
        raise UnusableAnswer("no agentid in the answer")
    return InstalledAgent(
        agent_id=agent_id,
        name=clean_text(members.get("name"), _TEXT_LENGTH),
        logo_url=clean_text(members.get("logo_url"), _TEXT_LENGTH),
        description=clean_text(members.get("description"), _TEXT_LENGTH),
        switch=next((each for each in AgentSwitch if each == read_int(members.get("close"))), None),
    )
