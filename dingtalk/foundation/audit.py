"""Writing the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from dingtalk.foundation.models import ActorKind, AuditEntry
from dingtalk.foundation.redaction import redact
from dingtalk.foundation.text import visible


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who acts, and from where: `kind` and a `name` for people to read.

    `source_ip` and `request_id` are known when it acts by HTTP.
    """

    kind: ActorKind
    name: str
    source_ip: str | None = None
    request_id: str = ""


def record(
    *,
    action: str,
    actor: Actor,
    target: models.Model | None,
    details: Mapping[str, Any] | None = None,
    now: datetime,
) -> AuditEntry:
    """
    Add an entry to the audit trail, in the caller's transaction.

    `action`: a verb with its noun, `suite.rotate_secret`. `details` may hold what changed, never a secret;
    what looks like one is masked all the same.
    """
    return AuditEntry.objects.create(
        at=now,
        actor_kind=actor.kind,
        actor=_shown(actor.name),
        action=action,
        source_ip=actor.source_ip,
        request_id=_shown(actor.request_id)[:100],
        details=redact(dict(details or {})),
        **_described(target),
    )


def _described(target: models.Model | None) -> dict[str, str]:
    if target is None:
        return {}
    return {
        "object_type": target._meta.label_lower,
        "object_id": str(target.pk),
        "object_label": _shown(str(target)),
    }


def _shown(text: str) -> str:
    return visible(str(redact(text)))[:200]
