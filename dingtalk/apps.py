"""Configuration of the dingtalk app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DingTalkConfig(AppConfig):
    """Suites, tickets, received events and the client: how DingTalk talks."""

    name = "dingtalk"
    verbose_name = _("DingTalk")

    def ready(self) -> None:
        """Register the work that the dispatcher has to have done."""
        from dingtalk import event_queue

        event_queue.register_queues()
