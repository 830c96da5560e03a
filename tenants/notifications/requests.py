"""
What an app wants to be sent, and the digests by which it is known again.

The digests are keyed: who reads the database cannot try out contents or user ids against them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.crypto import salted_hmac

from dingtalk.client.messages import Receivers
from dingtalk.protocol.json_guard import canonical_json
from tenants.errors import AgentNotUsable
from tenants.models import NotificationKind, Tenant


@dataclass(frozen=True)
class SendRequest:
    """
    One notification: a message, or a template with its data; checked already.

    `agent_id`: None for the tenant's only one. `strict`: send nothing rather than have some copies dropped.
    """

    receivers: Receivers
    message: Mapping[str, Any] | None = field(default=None, repr=False)
    template_id: str = ""
    template_data: Mapping[str, str] = field(default_factory=dict, repr=False)
    agent_id: int | None = None
    enable_id_trans: bool = False
    strict: bool = False

    @property
    def kind(self) -> NotificationKind:
        """Whether it is a message or made by a template."""
        return NotificationKind.TEMPLATE if self.message is None else NotificationKind.MESSAGE

    @property
    def message_type(self) -> str:
        """The type of a message; empty for a template."""
        return "" if self.message is None else str(self.message["msgtype"])

    def digest(self, tenant: Tenant) -> str:
        """Return what two requests share only when they ask for the same in the same company."""
        return _digest("request", tenant.pk, asdict(self))

    def content_digest(self) -> str:
        """Return what two requests share when they say the same."""
        if self.message is None:
            return _digest("content", self.template_id, dict(self.template_data))
        return _digest("content", dict(self.message))


def person_digest(tenant: Tenant, *, agent_id: int, user_id: str) -> str:
    """Return what one person is to one agent, in whose name DingTalk counts."""
    return _digest("person", tenant.pk, agent_id, user_id)


def choose_agent(tenant: Tenant, agent_id: int | None) -> int:
    """Return the agent to send as; raises AgentNotUsable for another's, or when there are several."""
    known = [int(agent["agent_id"]) for agent in tenant.agents]
    if agent_id is None and len(known) == 1:
        return known[0]
    if agent_id is None or agent_id not in known:
        raise AgentNotUsable(is_named=agent_id is not None, known=known)
    return agent_id


def _digest(use: str, *parts: Any) -> str:
    text = canonical_json([part if isinstance(part, dict | int) else str(part) for part in parts])
    return salted_hmac(f"tenants.notifications.{use}", text, algorithm="sha256").hexdigest()
