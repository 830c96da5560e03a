"""The audit trail."""

from collections.abc import Iterable
from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.ids import new_id


class AppendOnlyError(Exception):
    """An entry of the audit trail was to be changed or deleted."""


class ActorKind(models.TextChoices):
    """Who acts."""

    OPERATOR = "operator", _("operator")
    API_CLIENT = "api_client", _("API client")
    COMMAND = "command", _("command")
    SYSTEM = "system", _("system")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Entries can be added and read."""

    def update(self, **_values: Any) -> NoReturn:
        raise AppendOnlyError("Audit entries are not changed.")

    def bulk_update(self, *_args: Any, **_options: Any) -> NoReturn:
        raise AppendOnlyError("Audit entries are not changed.")

    def bulk_create(self, objs: Iterable[Any], batch_size: int | None = None, **options: Any) -> Any:  # type: ignore[override]
        """Add entries; raises AppendOnlyError when conflicts were to be written over or passed over."""
        if any(options.values()):
            raise AppendOnlyError("Audit entries are only added.")
        return super().bulk_create(objs, batch_size=batch_size)

    def delete(self) -> NoReturn:
        raise AppendOnlyError("Audit entries are not deleted.")

    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]


class AuditEntry(models.Model):
    """One thing that somebody did: who, what, to what, from where. Written by `audit.record`."""

    id = models.UUIDField(_("id"), primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(_("time"))
    actor_kind = models.CharField(_("kind of actor"), max_length=16, choices=ActorKind.choices)
    actor = models.CharField(_("actor"), max_length=200)
    action = models.CharField(_("action"), max_length=100)
    object_type = models.CharField(_("object type"), max_length=100, blank=True)
    object_id = models.CharField(_("object id"), max_length=100, blank=True)
    object_label = models.CharField(_("object"), max_length=200, blank=True)
    source_ip = models.GenericIPAddressField(_("source address"), null=True, blank=True)
    request_id = models.CharField(_("request id"), max_length=100, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True, encoder=DjangoJSONEncoder)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-id"]
        # Also for the code that goes past `objects`: related managers, Model.save.
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["actor", "-id"], name="audit_of_actor"),
            models.Index(fields=["action", "-id"], name="audit_of_action"),
            models.Index(fields=["object_id", "-id"], name="audit_of_object"),
            models.Index(fields=["request_id"], name="audit_of_request", condition=~models.Q(request_id="")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(actor_kind__in=ActorKind.values), name="audit_actor_kind_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.action}"

    def save(self, **options: Any) -> None:
        """Add the entry; raises AppendOnlyError when it is there already."""
        if not self._state.adding:
            raise AppendOnlyError("Audit entries are not changed.")
        super().save(**{**options, "force_insert": True})

    def delete(self, *_args: Any, **_options: Any) -> NoReturn:
        raise AppendOnlyError("Audit entries are not deleted.")
