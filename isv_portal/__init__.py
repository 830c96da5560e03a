"""Wiring only: settings, root URLs, the Celery application, health, the API error handler."""

from isv_portal.celery import app as celery_app

__all__ = ["celery_app"]
