"""Configuration of the wiring package: templates, translations and management commands."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """The package that puts the portal together."""

    name = "isv_portal"
    verbose_name = _("ISV Portal")

    def ready(self) -> None:
        """Register the system checks."""
        from isv_portal import checks  # noqa: F401
