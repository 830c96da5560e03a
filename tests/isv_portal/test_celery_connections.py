"""What becomes of a worker's connection between two tasks."""

import pytest
from celery.signals import task_postrun, task_prerun
from django.db import connection

from dingtalk.tasks import pulse
from isv_portal.celery import app

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's are never kept")


@pytest.fixture
def worker():
    """Celery's signals, as in a worker's process."""
    [fixup] = app._fixups
    fixup.worker_fixup.install()
    yield
    for signal, receiver in (
        (task_prerun, fixup.worker_fixup.on_task_prerun),
        (task_postrun, fixup.worker_fixup.on_task_postrun),
    ):
        signal.disconnect(receiver)


@pytest.fixture
def keeps_connections(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    connection.close()


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def run_a_task() -> None:
    task_prerun.send(sender=pulse)
    task_postrun.send(sender=pulse)


@needs_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker", "keeps_connections")
def test_the_next_task_has_the_same_connection():
    before = session()

    run_a_task()

    assert session() == before


@needs_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker", "keeps_connections")
def test_a_connection_that_died_meanwhile_is_replaced():
    before = session()
    connection.connection.close()

    run_a_task()

    assert session() != before
