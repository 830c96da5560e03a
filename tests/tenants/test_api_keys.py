"""Keys of tenant apps: what is stored of them, and who gets in."""

import hashlib
import hmac
import re
from datetime import timedelta

import pytest

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind, AuditEntry
from tenants import api_keys
from tenants.errors import KeyRefusal, KeyRefused
from tenants.models import ApiClient, ApiKey
from tests.tenants.conftest import moment

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="li.lei")

pytestmark = pytest.mark.django_db


@pytest.fixture
def api_client() -> ApiClient:
    return ApiClient.objects.create(name="考勤后台")


@pytest.fixture
def make_key(api_client: ApiClient):
    def _make_key(**options):
        defaults = {"label": "生产", "expires_at": None, "now": moment(), "actor": OPERATOR}
        return api_keys.create_key(client=api_client, **{**defaults, **options})

    return _make_key


def refusal_of(text: str, *, minutes: float = 1) -> KeyRefusal:
    with pytest.raises(KeyRefused) as refused:
        api_keys.authenticate(text, now=moment(minutes))
    assert text[20:] not in str(refused.value) or not text[20:]
    return refused.value.reason


def test_a_key_has_a_prefix_and_256_random_bits(make_key):
    texts = [make_key()[1] for _ in range(20)]

    assert all(re.fullmatch(r"isv_[a-z0-9]{10}_[A-Za-z0-9_-]{43}", text) for text in texts)
    assert len(set(texts)) == 20


def test_only_a_digest_of_the_secret_is_stored(make_key):
    key, text = make_key()
    secret = text.split("_", 2)[2]

    stored = ApiKey.objects.values().get(pk=key.pk)

    assert stored["secret_digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(stored)
    assert secret not in repr(AuditEntry.objects.values_list())
    assert secret not in f"{key!s} {key!r}"


def test_a_key_lets_its_client_in_by_one_query(make_key, api_client, django_assert_num_queries):
    key, text = make_key()
    ApiKey.objects.update(last_used_at=moment(0.9))

    with django_assert_num_queries(1):
        found = api_keys.authenticate(text, now=moment(1))
        assert (found.pk, found.client) == (key.pk, api_client)


@pytest.mark.parametrize(
    "break_key",
    [
        lambda text: "",
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text.upper(),
        lambda text: text.removeprefix("isv_"),
        lambda text: text.replace("isv_", "nbt_"),
        lambda text: text.replace("_", "-"),
        lambda text: text[:-1] + "\0",
        lambda text: text[:-1] + "é",
        lambda text: text[:-1] + "!",
        lambda text: "isv_" + "٣" * 10 + text[14:],
        lambda text: "isv_" + "a" * 1_000_000,
        lambda text: text[:15] + ("B" if text[15] == "A" else "A") + text[16:],
        lambda text: text[:-1] + ("B" if text[-1] == "A" else "A"),
        lambda text: "isv_0000000000" + text[14:],
    ],
)
def test_what_is_not_exactly_the_key_is_refused_as_unknown(make_key, break_key):
    _key, text = make_key()

    assert refusal_of(break_key(text)) == KeyRefusal.UNKNOWN


def test_a_key_is_refused_from_the_moment_it_expires(make_key):
    _key, text = make_key(expires_at=moment(10))

    api_keys.authenticate(text, now=moment(10) - timedelta(microseconds=1))

    assert refusal_of(text, minutes=10) == KeyRefusal.EXPIRED


def test_a_revoked_key_is_refused(make_key):
    key, text = make_key()

    assert api_keys.revoke_key(key, now=moment(5), actor=OPERATOR) is True

    assert refusal_of(text, minutes=5) == KeyRefusal.REVOKED


def test_a_key_of_a_disabled_client_is_refused(make_key, api_client):
    _key, text = make_key()
    ApiClient.objects.filter(pk=api_client.pk).update(is_enabled=False)

    assert refusal_of(text) == KeyRefusal.CLIENT_DISABLED


def test_why_a_key_is_refused_is_told_only_to_who_has_the_whole_key(make_key):
    key, text = make_key()
    api_keys.revoke_key(key, now=moment(0), actor=OPERATOR)

    assert refusal_of(text[:15] + "x" * 43) == KeyRefusal.UNKNOWN


def test_the_secret_is_compared_in_constant_time_also_when_there_is_no_such_key(make_key, monkeypatch):
    compared = []
    real = hmac.compare_digest

    def spy(one, other):
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(api_keys.hmac, "compare_digest", spy)
    key, text = make_key()
    api_keys.authenticate(text, now=moment(1))
    refusal_of("isv_0000000000" + text[14:])

    assert [other for _one, other in compared] == [key.secret_digest, "0" * 64]


def test_the_last_use_is_written_at_most_once_a_minute(make_key):
    key, text = make_key()
    seen = []
    for minutes in (0, 0.5, 0.99, 1, 1.5):
        api_keys.authenticate(text, now=moment(minutes))
        seen.append(ApiKey.objects.get(pk=key.pk).last_used_at)

    assert seen == [moment(0), moment(0), moment(0), moment(1), moment(1)]


def test_making_and_revoking_a_key_are_in_the_audit_trail(make_key):
    key, _text = make_key()
    api_keys.revoke_key(key, now=moment(1), actor=OPERATOR)

    entries = AuditEntry.objects.order_by("at")

    assert [(entry.action, entry.actor) for entry in entries] == [
        ("api_key.create", "li.lei"),
        ("api_key.revoke", "li.lei"),
    ]
    assert {entry.object_id for entry in entries} == {str(key.pk)}


def test_a_key_is_revoked_once(make_key):
    key, _text = make_key()
    api_keys.revoke_key(key, now=moment(1), actor=OPERATOR)

    assert api_keys.revoke_key(key, now=moment(9), actor=OPERATOR) is False

    assert ApiKey.objects.get(pk=key.pk).revoked_at == moment(1)
    assert AuditEntry.objects.filter(action="api_key.revoke").count() == 1
