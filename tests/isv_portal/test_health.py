import os
from base64 import b64encode
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from dingtalk.client import dingtalk_client
from dingtalk.client.call import Call, Request
from dingtalk.models import ProcessHeartbeat, ProcessKind, Suite
from dingtalk.protocol.error_table import classify
from dingtalk.protocol.errors import HeldBack
from dingtalk.protocol.events import PushedTicket
from dingtalk.tickets import store_tickets


@pytest.fixture
def suite(db) -> Suite:
    return Suite.objects.create(
        name="Example",
        suite_key="suite1",
        suite_secret="s3cr3t-value",
        callback_token="token",
        encoding_aes_key="key",
    )


def refuse(execute, sql, params, many, context):
    raise OperationalError("could not connect to server at db.internal")


def test_a_process_is_alive_as_long_as_it_answers(client):
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_a_set_up_portal_is_ready(client, suite):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"] == {
        "database": {"ok": True},
        "migrations": {"ok": True},
        "keys": {"ok": True},
    }


def test_a_ready_portal_counts_overdue_tickets_without_naming_a_suite(client, suite):
    long_ago = timezone.now() - timedelta(hours=7)
    store_tickets(suite_id=suite.pk, tickets=[PushedTicket("ticket", long_ago)], received_at=long_ago)

    answer = client.get("/readyz")

    assert answer.json()["details"]["suite_tickets"] == {"suites": 1, "overdue": 1, "missing": 0}
    assert suite.suite_key not in answer.content.decode()


def test_a_ready_portal_tells_which_process_does_nothing_and_what_to_do(client, suite):
    moment = timezone.now() - timedelta(minutes=5)
    for kind, seconds in ((ProcessKind.WORKER, 298), (ProcessKind.BEAT, 0)):
        ProcessHeartbeat.objects.create(
            kind=kind,
            host="machine",
            pid=7,
            version="1",
            started_at=moment,
            last_progress_at=moment + timedelta(seconds=seconds),
        )

    answer = client.get("/readyz")

    processes = answer.json()["details"]["processes"]
    assert answer.status_code == 200
    assert (processes["worker"]["at_work"], "hint" in processes["worker"]) == (1, False)
    assert processes["beat"]["last_progress_seconds"] in (300, 301)
    assert "no_progress" in processes["beat"]["hint"]["en"]
    assert "请确认" in processes["beat"]["hint"]["zh-hans"]
    assert processes["dispatcher"]["last_progress_seconds"] is None
    assert "machine" not in answer.text


def test_without_database_it_is_not_ready_and_says_so_in_both_languages(client, db):
    with connection.execute_wrapper(refuse):
        response = client.get("/readyz")

    assert response.status_code == 503
    failed = response.json()["checks"]["database"]
    assert not failed["ok"]
    assert "DATABASE_URL" in failed["hint"]["en"]
    assert "数据库" in failed["hint"]["zh-hans"]
    assert "db.internal" not in response.text


def test_with_a_migration_missing_it_is_not_ready(client, db):
    MigrationRecorder(connection).record_unapplied("dingtalk", "0001_initial")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["checks"]["migrations"]["hint"]["en"]


def test_with_keys_that_do_not_fit_what_is_stored_it_is_not_ready(client, suite, settings):
    settings.FIELD_ENCRYPTION_KEYS = "tests:" + b64encode(os.urandom(32)).decode()

    response = client.get("/readyz")

    assert response.status_code == 503
    assert not response.json()["checks"]["keys"]["ok"]
    assert "FIELD_ENCRYPTION_KEYS" in response.json()["checks"]["keys"]["hint"]["en"]
    assert "s3cr3t-value" not in response.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_callback_process_tells_its_health_too(client, db, settings, path):
    settings.ROOT_URLCONF = "isv_portal.urls_callback"

    assert client.get(path).status_code == 200


def test_a_ready_portal_tells_of_calls_that_are_held_back_and_names_none(client, db):
    dingtalk_client.cache_clear()
    gate = dingtalk_client().gate
    request = Request(Call("/topapi/v2/user/get"), suite_key="suite1", corp_id="ding1")
    gate.note_limit(gate.admit(request), classify(endpoint="/", code="1111", http_status=200))

    with pytest.raises(HeldBack):
        gate.admit(request)
    details = client.get("/readyz").json()["details"]["calls_to_dingtalk"]
    dingtalk_client.cache_clear()

    assert details == {
        "counted_in": "process",
        "rests_seconds": 300,
        "endpoints_left_alone": 0,
        "held_back": {"ip_ban": 1},
    }
