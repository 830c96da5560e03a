"""Configuration of the foundation app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FoundationConfig(AppConfig):
    """Encrypted fields, leases, redaction and the audit trail; tables of its own: the audit trail."""

    name = "dingtalk.foundation"
    label = "foundation"
    verbose_name = _("Foundation")
    default_auto_field = "django.db.models.BigAutoField"
