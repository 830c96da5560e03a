"""Making what a page passes to `dd.config`. Source: open.dingtalk.com, "jsapi-authentication"."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime

from dingtalk.protocol.jsapi import Algorithm, jsapi_signature, normalised_url
from tenants.calling import find_active_tenant
from tenants.errors import AgentNotUsable, PageNotAllowed
from tenants.jsapi.pages import is_page_allowed
from tenants.jsapi.tickets import get_jsapi_ticket
from tenants.models import ApiClient, Tenant

logger = logging.getLogger(__name__)

_NONCE_BYTES = 12


@dataclass(frozen=True)
class JsapiConfig:
    """
    A signed configuration of one page; it holds nothing secret.

    `url`: as it was signed. `time_stamp`: Unix milliseconds; the page passes these very values on.
    """

    agent_id: int
    corp_id: str
    time_stamp: int
    nonce_str: str
    signature: str
    algorithm: Algorithm
    url: str


def sign_page(
    client: ApiClient,
    *,
    suite_key: str,
    corp_id: str,
    url: str,
    algorithm: Algorithm,
    agent_id: int | None,
    now: datetime,
) -> JsapiConfig:
    """
    Sign a page of a tenant that the app may see, as one of the tenant's agents.

    Raises TenantNotFound, TenantNotActive, PageNotAllowed, AgentNotUsable, TokenUnavailable.
    """
    tenant = find_active_tenant(client, suite_key=suite_key, corp_id=corp_id)
    if not is_page_allowed(url, js_domains=tenant.suite.js_domains):
        raise PageNotAllowed
    agent_id = _choose_agent(tenant, agent_id)
    ticket = get_jsapi_ticket(tenant)
    time_stamp, nonce = int(now.timestamp() * 1000), secrets.token_hex(_NONCE_BYTES)
    signature = jsapi_signature(
        jsapi_ticket=ticket, nonce=nonce, timestamp=time_stamp, url=url, algorithm=algorithm
    )
    logger.info(
        "A page was signed", extra={"suite_key": suite_key, "corp_id": corp_id, "api_client": client.name}
    )
    return JsapiConfig(
        agent_id=agent_id,
        corp_id=corp_id,
        time_stamp=time_stamp,
        nonce_str=nonce,
        signature=signature,
        algorithm=algorithm,
        url=normalised_url(url),
    )


def _choose_agent(tenant: Tenant, agent_id: int | None) -> int:
    """The agent that was named, else the only one that the company has not switched off."""
    known = [int(agent["agent_id"]) for agent in tenant.agents]
    if agent_id is not None:
        usable = [agent_id] if agent_id in known else []
    else:
        switches = tenant.agent_switches
        usable = [each for each in known if not switches.get(str(each), {}).get("stopped")]
    if len(usable) != 1:
        raise AgentNotUsable(is_named=agent_id is not None, known=known)
    return usable[0]
