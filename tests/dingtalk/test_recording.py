"""Pushes recorded without their secrets, and played to a portal on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils.translation import override

from dingtalk import recording
from dingtalk.credentials import callback_credentials
from dingtalk.models import ReceivedPush, Suite
from tests.support.callbacks import (
    ENCODING_AES_KEY,
    TOKEN,
    Callbacks,
    make_suite,
    sync_push,
    sync_row,
    ticket_push,
)
from tests.support.wsgi_server import wsgi_server

SECRETS = ("ticket-canary-0001", "permanent-canary-0001", "auth-code-canary-01")


@pytest.fixture
def received(callbacks: Callbacks) -> Suite:
    """A suite that has received a ticket, a grant and a temporary code."""
    code = {"EventType": "tmp_auth_code", "AuthCode": SECRETS[2], "AuthCorpId": "d"}
    grant = {"syncAction": "org_suite_auth", "permanent_code": SECRETS[1], "auth_corp_info": {"corpid": "d"}}
    for document in (
        ticket_push(SECRETS[0]),
        sync_push(sync_row(grant, biz_type=4)),
        {**code, "SuiteKey": callbacks.suite.suite_key},
    ):
        assert callbacks.is_acknowledged(callbacks.push(document))
    return callbacks.suite


@pytest.fixture
def portal() -> Iterator[str]:
    """The URL of a portal that works on this test's database."""
    with wsgi_server() as url:
        yield url


def play(file: Path, suite_key: str, url: str) -> None:
    call_command("pushes", "play", str(file), "--suite", suite_key, "--url", url)


def test_a_recording_holds_no_secret_and_keeps_them_apart(received: Suite) -> None:
    lines = list(recording.record(recording.recorded_pushes(received)))

    text = "\n".join(lines)
    assert len(lines) == 3
    assert not [secret for secret in SECRETS if secret in text]
    assert len({word for word in text.replace('\\"', '"').split('"') if word.startswith("removed-")}) == 3
    assert "org_suite_auth" in text


@pytest.mark.django_db(transaction=True)
def test_a_recording_is_played_to_another_suite_of_a_local_portal(
    received: Suite, tmp_path: Path, portal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pushes.jsonl"
    call_command("pushes", "record", "--suite", received.suite_key, "--out", str(file))
    target = make_suite(suite_id="31415009", suite_key="suitelocal", callback_token=TOKEN[::-1])
    callback_credentials.clear()

    call_command("pushes", "play", str(file), "--suite", "suitelocal", "--url", portal + target.callback_path)

    bodies = [json.loads(bytes(push.body)) for push in ReceivedPush.objects.filter(suite=target)]
    assert len(bodies) == 3
    assert {row["subscribe_id"] for body in bodies for row in body.get("bizData", [])} == {"31415009_0"}
    assert [body["SuiteKey"] for body in bodies if "SuiteKey" in body] == ["suitelocal"]
    assert capsys.readouterr().out.count(" 200 ") == 3


@pytest.mark.django_db(transaction=True)
def test_a_push_that_is_not_acknowledged_is_told(received: Suite, tmp_path: Path, portal: str) -> None:
    file = tmp_path / "pushes.jsonl"
    call_command("pushes", "record", "--suite", received.suite_key, "--out", str(file))

    with pytest.raises(SystemExit) as ended:
        call_command(
            "pushes",
            "play",
            str(file),
            "--suite",
            received.suite_key,
            "--url",
            f"{portal}/callback/0/",
        )

    assert ended.value.code == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example.com/callback/x/",
        "http://127.0.0.1.example.com/",
        "ftp://localhost/",
        "http://[::",
    ],
)
def test_a_recording_is_not_played_to_another_machine(received: Suite, url: str) -> None:
    with override("en"), pytest.raises(CommandError, match="this machine only"):
        call_command("pushes", "play", "nothing.jsonl", "--suite", received.suite_key, "--url", url)


@pytest.mark.parametrize("line", ["hello", "[]", '{"message": 1}', '{"message": ' + "[" * 100 + "}"])
def test_what_is_no_recording_is_refused_by_line(line: str) -> None:
    with pytest.raises(recording.BadRecording, match="line 2"):
        list(recording.read_recording(['{"message": {}}', line]))


def test_content_that_cannot_be_searched_is_removed(callbacks: Callbacks) -> None:
    callbacks.push(sync_push(sync_row({}, biz_data=f"not JSON {SECRETS[0]}")))

    [line] = recording.record(recording.recorded_pushes(callbacks.suite))
    assert SECRETS[0] not in line
    assert ENCODING_AES_KEY not in line
