"""Registering suites and changing them."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from dingtalk import suites
from dingtalk.credentials import callback_credentials
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind, AuditEntry
from dingtalk.models import Suite
from dingtalk.suite_values import SECRET_FIELDS
from tests.support.callbacks import ENCODING_AES_KEY, OTHER_AES_KEY

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="wang")
VALUES = {
    "name": "考勤助手",
    "suite_id": "31415001",
    "suite_key": "suitekq7ymx3wq2ulr9vd",
    "suite_secret": "suite-secret-canary",
    "callback_token": "tokencanary0001",
    "encoding_aes_key": ENCODING_AES_KEY,
}


def register(**changes: Any) -> Suite:
    return suites.register_suite(**{**VALUES, **changes}, actor=OPERATOR, now=NOW)


def change(suite: Suite, **changes: str) -> Suite:
    return suites.change_suite(suite, changes=changes, actor=OPERATOR, now=NOW)


@pytest.mark.django_db
def test_a_registered_suite_has_its_secrets_and_a_callback_url_nobody_can_guess(settings):
    settings.PUBLIC_BASE_URL = "https://portal.example.com"

    suite = register()

    stored = Suite.objects.get(suite_key=VALUES["suite_key"])
    assert {name: getattr(stored, name) for name in VALUES} == VALUES
    assert re.fullmatch(r"https://portal\.example\.com/callback/[0-9a-f]{40}/", suites.callback_url(suite))


@pytest.mark.django_db
def test_space_around_pasted_values_is_dropped():
    suite = register(suite_secret=" suite-secret-canary\n", encoding_aes_key=f"{ENCODING_AES_KEY} ")

    assert suite.suite_secret == VALUES["suite_secret"]
    assert suite.encoding_aes_key == ENCODING_AES_KEY


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "n" * 101),
        ("suite_id", "with space"),
        ("suite_key", ""),
        ("suite_key", "with/slash"),
        ("suite_key", "钥匙"),
        ("suite_key", "k" * 129),
        ("suite_secret", ""),
        ("suite_secret", "s" * 513),
        ("callback_token", "ab"),
        ("callback_token", "t" * 64),
        ("callback_token", "with-dash"),
        ("callback_token", "１２３"),
        ("encoding_aes_key", ENCODING_AES_KEY[:-1]),
        ("encoding_aes_key", ENCODING_AES_KEY[:-1] + "="),
        ("push_mode", "carrier_pigeon"),
        ("activation", "sometimes"),
        ("corp_token_method", "guess"),
        ("kind", "robot"),
        ("js_domains", "exa mple..com"),
        ("js_domains", "*.*.example.com"),
        ("js_domains", "user@example.com"),
        ("js_domains", "例子.公司"),
        ("freshness_window_seconds", "-1"),
        ("freshness_window_seconds", "1e9"),
        ("freshness_window_seconds", "٦٠٠"),
        ("isv_corp_id", "ding 1"),
        ("sso_secret", "two words"),
    ],
)
def test_a_value_that_dingtalk_would_not_give_is_refused_by_field_name(field, value):
    with pytest.raises(ValidationError) as refused:
        register(**{field: value})

    assert list(refused.value.message_dict) == [field]
    assert Suite.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["abc", "t" * 63])
def test_callback_tokens_of_both_documented_lengths_are_accepted(token):
    assert register(callback_token=token).callback_token == token


@pytest.mark.django_db
def test_every_wrong_field_is_named_at_once_and_no_secret_is_in_the_text():
    with pytest.raises(ValidationError) as refused:
        register(suite_secret="canary with space", callback_token="canary-1", encoding_aes_key="canary-2")

    assert set(refused.value.message_dict) == {"suite_secret", "callback_token", "encoding_aes_key"}
    assert "canary" not in str(refused.value)


@pytest.mark.django_db
def test_a_suite_key_is_registered_once():
    register()

    with pytest.raises(ValidationError) as refused:
        register(name="another")

    assert list(refused.value.message_dict) == ["suite_key"]


@pytest.mark.django_db
def test_registering_is_in_the_audit_trail_without_secrets():
    suite = register()

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object_id) == ("suite.register", "wang", str(suite.pk))
    assert entry.details["suite_key"] == VALUES["suite_key"]
    assert not any(VALUES[name] in json.dumps(entry.details, ensure_ascii=False) for name in SECRET_FIELDS)


@pytest.mark.django_db
def test_a_change_raises_the_version_so_that_other_processes_notice():
    suite = register()

    changed = change(suite, name="排班助手")

    assert (changed.name, changed.version) == ("排班助手", 2)
    assert Suite.objects.get().version == 2


@pytest.mark.django_db
def test_equal_values_change_nothing_and_are_not_audited():
    suite = register()

    change(suite, name=suite.name, callback_token=suite.callback_token)

    assert Suite.objects.get().version == 1
    assert AuditEntry.objects.filter(action="suite.change").count() == 0


@pytest.mark.django_db
def test_the_previous_value_of_a_changed_secret_works_for_48_hours():
    suite = register()

    change(suite, encoding_aes_key=OTHER_AES_KEY)

    stored = Suite.objects.get()
    assert stored.encoding_aes_key == OTHER_AES_KEY
    assert stored.encoding_aes_key_previous == ENCODING_AES_KEY
    assert stored.encoding_aes_key_previous_until == NOW + timedelta(hours=48)
    assert stored.callback_token_previous is None


@pytest.mark.django_db
def test_the_previous_value_can_be_dropped_at_once():
    suite = register()
    change(suite, callback_token="first00001")

    suites.change_suite(
        suite, changes={"callback_token": "second0001"}, actor=OPERATOR, now=NOW, keep_previous=False
    )

    stored = Suite.objects.get()
    assert stored.callback_token == "second0001"
    assert (stored.callback_token_previous, stored.callback_token_previous_until) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_this_process_forgets_the_old_credentials_when_the_change_is_committed():
    suite = register()
    assert len(callback_credentials.get(suite.path_slug).live(NOW)) == 1

    change(suite, callback_token="rotated0001")

    tokens = {credential.token for credential in callback_credentials.get(suite.path_slug).live(NOW)}
    assert tokens == {"rotated0001", VALUES["callback_token"]}


@pytest.mark.django_db
def test_the_audit_trail_says_which_secret_was_replaced_and_what_else_changed():
    suite = register()

    change(suite, suite_secret="rotated-canary", name="排班助手")

    entry = AuditEntry.objects.get(action="suite.change")
    assert entry.details == {
        "name": {"from": "考勤助手", "to": "排班助手"},
        "replaced": ["suite_secret"],
        "previous_kept": True,
    }


@pytest.mark.django_db
def test_the_suite_key_can_be_corrected_until_dingtalk_has_verified_the_url():
    suite = register(suite_key="suite-with-a-typo")

    assert change(suite, suite_key="suite-right").suite_key == "suite-right"

    Suite.objects.update(callback_verified_at=NOW)
    with pytest.raises(ValidationError):
        change(suite, suite_key="suite-other")
    assert Suite.objects.get().suite_key == "suite-right"


@pytest.mark.django_db
def test_a_change_to_the_key_of_another_suite_is_refused():
    register()
    other = register(suite_key="suite-other")

    with pytest.raises(ValidationError) as refused:
        change(other, suite_key=VALUES["suite_key"])

    assert list(refused.value.message_dict) == ["suite_key"]


@pytest.mark.django_db
def test_generated_values_differ_each_time_and_can_be_registered():
    tokens = {suites.generate_callback_token() for _ in range(20)}
    keys = {suites.generate_encoding_aes_key() for _ in range(20)}

    suite = register(callback_token=tokens.pop(), encoding_aes_key=keys.pop())

    assert len(tokens) == len(keys) == 19
    assert suite.pk


def test_a_fingerprint_tells_secrets_apart_and_does_not_hold_them():
    # printf %s secret-one | sha256sum | cut -c1-8
    assert suites.fingerprint("secret-one") == "ea77193c"
    assert suites.fingerprint("secret-one") != suites.fingerprint("secret-two")
