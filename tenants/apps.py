"""Configuration of the tenants app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    """Who has authorised us, and what we may do for them."""

    name = "tenants"
    verbose_name = _("Tenants")

    def ready(self) -> None:
        """Subscribe to DingTalk's events, and tell the dispatcher what there is to do."""
        from tenants import events, work  # noqa: F401 — importing the handlers registers them

        work.register_queues()
