"""Wiring only: settings, root URLs, the Celery application, health, the API error handler."""
