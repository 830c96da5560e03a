"""The dispatcher as a process: alone with the database, and told to end."""

import subprocess
from pathlib import Path

import pytest

from dingtalk.models import EventState
from tests.journeys.processes import ROOT, eventually, manage
from tests.support.callbacks import make_suite
from tests.support.events import make_event, state_of
from tests.support.shared_database import environment

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def test_without_broker_and_workers_it_handles_events_and_ends_when_told(tmp_path: Path) -> None:
    event = make_event(make_suite(), event_type="unheard_of")
    env = environment(tmp_path, CELERY_BROKER_URL=NOBODY_LISTENS, REDIS_URL=NOBODY_LISTENS)
    dispatcher = subprocess.Popen(
        manage("dispatcher"), cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    try:
        eventually(lambda: state_of(event) == EventState.IGNORED, within=30, what="the event is handled")
        dispatcher.terminate()
        output, _ = dispatcher.communicate(timeout=15)
    finally:
        dispatcher.kill()

    assert dispatcher.returncode == 0
    assert output.count("broker_failing") == 1
    assert "dispatcher_stopped" in output
