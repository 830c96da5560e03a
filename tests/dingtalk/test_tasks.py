"""Tasks take ids, load and make one call."""

import tomllib
from pathlib import Path

from dingtalk import tasks
from dingtalk.models import EventState, Suite
from dingtalk.version import VERSION
from tests.support.events import make_event, state_of


def test_the_task_handles_the_event_that_it_names(suite: Suite) -> None:
    event = make_event(suite, event_type="unheard_of")

    tasks.handle_event_lane(str(event.pk))

    assert state_of(event) == EventState.IGNORED


def test_prune_runs(suite: Suite) -> None:
    tasks.prune()


def test_the_version_noted_on_events_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))

    assert project["project"]["version"] == VERSION
