"""What Celery beat sends, and how often. Each task finds its own work, so a lost one costs a turn only."""

from typing import Any

MINUTE = 60.0
HOUR = 3600.0


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Return the schedule; a message that nobody took before the next one is due expires."""
    return {
        "reconcile-unconverged": _every(MINUTE, "tenants.tasks.reconcile_unconverged"),
        "refresh-tokens-ahead": _every(MINUTE, "tenants.tasks.refresh_tokens_ahead"),
        "warn-of-overdue-tickets": _every(10 * MINUTE, "dingtalk.tasks.warn_of_overdue_tickets"),
        "tidy-notifications": _every(HOUR, "tenants.tasks.tidy_notifications"),
        "follow-up-outages": _every(MINUTE, "tenants.tasks.follow_up_outages"),
        "ask-for-failed-pushes": _every(10 * MINUTE, "tenants.tasks.ask_for_failed_pushes"),
        "discover-waiting-companies": _every(HOUR, "tenants.tasks.discover_waiting_companies"),
        "prune-logins": _every(HOUR, "tenants.tasks.prune_logins"),
        "prune": _every(HOUR, "dingtalk.tasks.prune"),
    }


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}
