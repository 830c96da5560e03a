"""What is forgotten of notifications, and when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models import Notification, NotifiedPerson
from tenants.notifications.retention import tidy
from tenants.tasks import tidy_notifications
from tests.tenants.notifications.conftest import App

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(app: App, tenant) -> Notification:
    app.send(dept_ids=[2], idempotency_key="k1")
    return Notification.objects.get()


def after(**time: float) -> dict[str, int]:
    return {kind: count for kind, count in tidy(now=timezone.now() + timedelta(**time)).items() if count}


def test_nothing_is_forgotten_too_soon(row):
    assert after(hours=1) == {}
    assert "idempotency_keys" not in after(hours=47)

    assert Notification.objects.get().warnings == row.warnings != "[]"


def test_counts_go_after_the_day_and_before_the_third(row):
    assert after(days=3)["notified_people"] == 1
    assert not NotifiedPerson.objects.exists()


def test_a_key_and_the_names_in_its_answer_go_after_two_days_and_the_entry_stays(row, app):
    assert after(hours=49)["idempotency_keys"] == 1

    row.refresh_from_db()
    assert (row.idempotency_key, row.warnings, row.state) == ("", None, "sent")
    assert after(hours=49) == {}


def test_the_entry_goes_after_ninety_days(row):
    assert after(days=89).get("notifications", 0) == 0
    assert after(days=91)["notifications"] == 1
    assert not Notification.objects.exists()


def test_who_still_sends_after_minutes_has_lost_the_answer(row):
    Notification.objects.update(state="sending", task_id=None, sent_at=None)

    assert after(minutes=1) == {}
    assert after(minutes=3) == {"lost_notifications": 1}

    assert Notification.objects.get().state == "unknown"


def test_it_is_done_on_schedule(row):
    Notification.objects.update(created_at=timezone.now() - timedelta(days=91))

    tidy_notifications()

    assert not Notification.objects.exists()
