"""
The Celery application: `celery -A isv_portal worker --pool threads`, `celery -A isv_portal beat`.

The rows in the database are the truth and the broker only wakes somebody up, so messages carry ids,
are acknowledged early, have no results and are not published again when the broker does not answer.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

from isv_portal import celery_watch as _celery_watch  # noqa: F401 - connects its signals
from isv_portal import folder_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isv_portal.settings")

folder_broker.register()
app = Celery("isv_portal", fixups={"isv_portal.celery_connections:fixup"})
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["dingtalk", "tenants"])
# A task's log lines carry the id of the request or task that sent it.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def leave_logging_to_django(**_: Any) -> None:
    """Having a receiver keeps Celery from configuring logging: settings.LOGGING counts here too."""
