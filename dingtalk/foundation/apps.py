"""Configuration of the foundation app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.keyring import active_keyring


class FoundationConfig(AppConfig):
    """Encrypted fields, leases, redaction and the audit trail; tables of its own: the audit trail."""

    name = "dingtalk.foundation"
    label = "foundation"
    verbose_name = _("Foundation")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Refuse to start with keys that cannot be used; the first secret would be too late to notice."""
        active_keyring()
