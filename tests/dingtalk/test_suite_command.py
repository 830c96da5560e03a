"""`manage.py suite`."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from dingtalk.foundation.models import AuditEntry
from dingtalk.models import Suite
from tests.support.callbacks import ENCODING_AES_KEY, make_suite

SECRETS = {
    "suite_secret": "suite-secret-canary",
    "callback_token": "tokencanary0001",
    "encoding_aes_key": ENCODING_AES_KEY,
}
PLAIN = ["--name", "考勤助手", "--suite-key", "suite0001", "--suite-id", "31415001"]


def suite_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("suite", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def secrets_file(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps(SECRETS))
    return str(path)


@pytest.mark.django_db
def test_adding_a_suite_prints_the_callback_url_and_no_secret(secrets_file, settings):
    settings.PUBLIC_BASE_URL = "https://portal.example.com"

    printed = suite_command("add", *PLAIN, "--secrets-file", secrets_file)

    suite = Suite.objects.get(suite_key="suite0001")
    assert f"https://portal.example.com{suite.callback_path}" in printed
    assert not any(secret in printed for secret in SECRETS.values())
    assert suite.encoding_aes_key == ENCODING_AES_KEY


@pytest.mark.django_db
def test_all_values_can_come_as_json_on_standard_input(monkeypatch):
    document = {**SECRETS, "name": "审批助手", "suite_key": "suite0002", "push_mode": "http"}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(document)))

    printed = json.loads(suite_command("add", "--secrets-file", "-", "--json"))

    assert (printed["suite_key"], printed["push_mode"]) == ("suite0002", "http")
    assert Suite.objects.get().suite_secret == SECRETS["suite_secret"]


@pytest.mark.django_db
def test_generated_values_are_printed_once_because_dingtalk_needs_them_too():
    printed = json.loads(
        suite_command(
            *("add", *PLAIN, "--suite-secret", "s-1", "--json"),
            *("--generate-callback-token", "--generate-encoding-aes-key"),
        )
    )

    suite = Suite.objects.get()
    assert printed["callback_token"] == suite.callback_token
    assert printed["encoding_aes_key"] == suite.encoding_aes_key
    assert suite.callback_token not in suite_command("show", "suite0001")


@pytest.mark.django_db
def test_a_value_that_is_given_is_not_generated_over(secrets_file):
    with pytest.raises(CommandError, match="callback_token"):
        suite_command("add", *PLAIN, "--secrets-file", secrets_file, "--generate-callback-token")

    assert Suite.objects.count() == 0


@pytest.mark.django_db
def test_secrets_are_asked_for_on_a_terminal(monkeypatch):
    answers = iter(SECRETS.values())
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))

    suite_command("add", *PLAIN)

    assert Suite.objects.get().callback_token == SECRETS["callback_token"]


@pytest.mark.django_db
def test_what_is_missing_is_named_when_nobody_can_be_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    with pytest.raises(CommandError, match="suite_secret, callback_token, encoding_aes_key"):
        suite_command("add", *PLAIN)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "[]", '{"suite_secret": 5}', '{"suite_sceret": "canary"}', "{canary"])
def test_a_file_that_is_not_right_is_refused_without_quoting_it(tmp_path, text):
    path = tmp_path / "secrets.json"
    path.write_text(text)

    with pytest.raises(CommandError) as refused:
        suite_command("add", *PLAIN, "--secrets-file", str(path))

    assert "canary" not in str(refused.value)


@pytest.mark.django_db
def test_a_value_that_is_not_valid_is_named_and_nothing_is_stored(secrets_file):
    with pytest.raises(CommandError, match="suite_key: "):
        suite_command("add", *PLAIN[:2], "--suite-key", "a/b", "--secrets-file", secrets_file)

    assert Suite.objects.count() == 0


@pytest.mark.django_db
def test_the_audit_trail_says_that_a_command_did_it(secrets_file):
    suite_command("add", *PLAIN, "--secrets-file", secrets_file)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_kind) == ("suite.register", "command")
    assert entry.actor.startswith("manage.py suite")


@pytest.mark.django_db
def test_the_list_names_every_suite_with_its_callback_url():
    suites = [make_suite(), make_suite(suite_key="suite0002", name="审批助手")]

    printed = suite_command("list")

    assert all(suite.suite_key in printed and suite.callback_path in printed for suite in suites)


@pytest.mark.django_db
def test_one_suite_is_shown_with_fingerprints_of_its_secrets():
    suite = make_suite()

    shown = json.loads(suite_command("show", suite.suite_key, "--json"))

    assert shown["callback_url"].endswith(suite.callback_path)
    assert len(shown["suite_secret_fingerprint"]) == 8
    assert suite.suite_secret not in json.dumps(shown)


@pytest.mark.django_db
def test_an_unknown_suite_key_is_an_error():
    with pytest.raises(CommandError):
        suite_command("show", "suite-nobody")
