from django.conf import settings

from isv_portal.beat_schedule import beat_schedule
from isv_portal.broker import broker_transport_options, broker_url
from isv_portal.celery import app
from tests.support.checkout import clean_environment, run_python

PUBLISH = """
import time, django
django.setup()
from kombu.exceptions import OperationalError
from isv_portal.celery import app
start = time.monotonic()
try:
    app.send_task("dingtalk.tasks.prune")
except OperationalError:
    print("refused after", time.monotonic() - start)
"""


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()

    assert {entry["task"] for entry in beat_schedule().values()} <= set(app.tasks)


def test_a_message_that_nobody_took_expires_before_the_next_one():
    for entry in beat_schedule().values():
        assert entry["options"]["expires"] <= entry["schedule"]


def test_messages_are_json_and_have_no_results():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.task_ignore_result
    assert app.conf.result_backend is None


def test_a_message_is_published_once_and_fetched_one_by_one():
    assert not app.conf.task_publish_retry
    assert app.conf.worker_prefetch_multiplier == 1
    assert not app.conf.task_acks_late


def test_without_a_broker_messages_go_to_a_folder_of_the_data_directory(tmp_path):
    options = broker_transport_options("", data_dir=tmp_path)

    assert broker_url("") == "filesystem://"
    assert options["data_folder_in"] == options["data_folder_out"] == str(tmp_path / "broker" / "messages")
    assert (tmp_path / "broker" / "messages").is_dir()
    assert (tmp_path / "broker" / "control").is_dir()


def test_with_a_broker_no_folder_is_made(tmp_path):
    broker_transport_options("redis://cache:6379/1", data_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_publishing_to_a_broker_that_is_gone_fails_soon(tmp_path):
    env = clean_environment(
        DATA_DIR=str(tmp_path),
        DJANGO_SETTINGS_MODULE="isv_portal.settings",
        CELERY_BROKER_URL="redis://127.0.0.1:1/0",
        SECRET_KEY=settings.SECRET_KEY,
        FIELD_ENCRYPTION_KEYS=settings.FIELD_ENCRYPTION_KEYS,
    )

    result = run_python(["-c", PUBLISH], env=env)

    assert "refused after" in result.stdout, result.stderr
    assert float(result.stdout.split()[-1]) < 2
