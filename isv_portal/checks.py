"""
System checks of how the portal is put together; each has a stable id and says what to do.

    isv_portal.E001   PUBLIC_BASE_URL is not https, with services
    isv_portal.E002   ALLOWED_HOSTS lets any name in
    isv_portal.E003   DEBUG with services
    isv_portal.W001   SQLite with services
    isv_portal.W002   the folder as broker, with services
    isv_portal.W003   no ALLOWED_HOSTS beside this machine's own, behind a public address
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from isv_portal.broker import FILESYSTEM_BROKER_URL
from isv_portal.environment import is_loopback


@register(Tags.security)
def check_addresses(**_: Any) -> list[CheckMessage]:
    """Check the names and the address that the portal answers to."""
    found: list[CheckMessage] = []
    public = settings.PUBLIC_BASE_URL
    if "*" in settings.ALLOWED_HOSTS:
        hint = "List the host names that people and DingTalk use."
        found.append(Error("ALLOWED_HOSTS lets any host name in.", hint=hint, id="isv_portal.E002"))
    if not settings.EMBEDDED and not is_loopback(public) and not public.startswith("https://"):
        hint = "DingTalk's callbacks and the admin's cookies need TLS: set it to https://…"
        found.append(Error("PUBLIC_BASE_URL is not https.", hint=hint, id="isv_portal.E001"))
    if not is_loopback(public) and not _answers_to(urlsplit(public).hostname or ""):
        hint = "Add the host of PUBLIC_BASE_URL to ALLOWED_HOSTS, or every request to it is refused."
        found.append(Warning("ALLOWED_HOSTS lacks the public host.", hint=hint, id="isv_portal.W003"))
    return found


@register(Tags.compatibility)
def check_services(**_: Any) -> list[CheckMessage]:
    """Check that services are used together, and nothing of the embedded mode with them."""
    if settings.EMBEDDED:
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        hint = "Set DEBUG=false; error pages would show code and settings."
        found.append(Error("DEBUG is on although services are configured.", hint=hint, id="isv_portal.E003"))
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") and not settings.DEBUG:
        hint = "Set DATABASE_URL to a PostgreSQL server, or none of the services for the embedded mode."
        found.append(Warning("SQLite is used beside services.", hint=hint, id="isv_portal.W001"))
    if settings.CELERY_BROKER_URL == FILESYSTEM_BROKER_URL:
        hint = "Set CELERY_BROKER_URL; workers on other machines do not see this machine's folder."
        found.append(Warning("The broker is a folder of this machine.", hint=hint, id="isv_portal.W002"))
    return found


def _answers_to(host: str) -> bool:
    return any(
        host == allowed or allowed == "*" or (allowed.startswith(".") and f".{host}".endswith(allowed))
        for allowed in settings.ALLOWED_HOSTS
    )
