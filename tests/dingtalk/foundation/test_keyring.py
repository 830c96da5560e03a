import os
import pickle
import random
from base64 import b64decode, b64encode, urlsafe_b64encode
from hashlib import shake_256

import pytest
from django.apps import apps

from dingtalk.foundation.keyring import (
    NONCE_BYTES,
    DecryptionError,
    KeyRing,
    KeyRingError,
    Place,
    active_keyring,
    key_id_of,
)
from tests.dingtalk.foundation.conftest import KEYS, ring_text

HERE = Place(table="vault_box", column="secret", row_id="7")


def encoded(length: int, label: str = "key") -> str:
    """Base64 of that many bytes without a pattern, the same in every worker of a run."""
    return b64encode(shake_256(label.encode()).digest(length)).decode()


GOOD = encoded(32)


@pytest.mark.parametrize(
    "plaintext", ["s3cret", "", "钉钉套件密钥🔑", "x" * 100_000, "a\x00b\n", "half \ud83d"]
)
def test_a_text_comes_back_as_it_was(ring, plaintext):
    assert ring.decrypt_text(ring.encrypt_text(plaintext, HERE), HERE) == plaintext


@pytest.mark.parametrize("plaintext", [b"", b"\x00\xff:v1:", bytes(range(256)) * 20])
def test_bytes_come_back_as_they_were(ring, plaintext):
    assert ring.decrypt_bytes(ring.encrypt_bytes(plaintext, HERE), HERE) == plaintext


def test_the_text_format_names_version_and_key_and_shows_no_plaintext(ring):
    stored = ring.encrypt_text("s3cret", HERE)

    version, key_id, encoded = stored.split(":")
    assert (version, key_id) == ("v1", "old")
    assert len(b64decode(encoded, validate=True)) == NONCE_BYTES + len("s3cret") + 16
    assert b"s3cret" not in b64decode(encoded)


def test_the_binary_format_holds_raw_bytes_after_its_head(ring):
    stored = ring.encrypt_bytes(b"12345", HERE)

    assert stored.startswith(b"v1:old:")
    assert len(stored) == len(b"v1:old:") + NONCE_BYTES + 5 + 16


def test_no_nonce_is_used_twice(ring):
    nonces = {ring.encrypt_bytes(b"same", HERE)[7 : 7 + NONCE_BYTES] for _ in range(2000)}

    assert len(nonces) == 2000


def test_a_thousand_values_moved_to_another_row_column_or_table_are_refused(ring):
    chance = random.Random(20251124)
    places = [
        Place(table=table, column=column, row_id=row_id)
        for table in ("vault_box", "vault_chest")
        for column in ("secret", "spare")
        for row_id in ("1", "11", "7d1", "7d2")
    ]
    stored = {place: ring.encrypt_text(f"value of {place}", place) for place in places}

    for _ in range(1000):
        here, there = chance.sample(places, 2)
        with pytest.raises(DecryptionError):
            ring.decrypt_text(stored[here], there)


def test_each_changed_bit_is_refused(ring):
    stored = ring.encrypt_bytes(b"permanent code", HERE)

    for position in range(len(stored)):
        for bit in range(8):
            changed = bytearray(stored)
            changed[position] ^= 1 << bit
            with pytest.raises(DecryptionError):
                ring.decrypt_bytes(bytes(changed), HERE)


def test_each_cut_is_refused(ring):
    stored = ring.encrypt_text("permanent code", HERE)

    for length in range(len(stored)):
        with pytest.raises(DecryptionError):
            ring.decrypt_text(stored[:length], HERE)


@pytest.mark.parametrize(
    "stored", ["", "plain text", "v1:old:", "v1:old:%%%", "v1::AAAA", "v2:old:AAAA", "v1:钥:AAAA"]
)
def test_what_was_never_encrypted_is_an_error_and_not_returned(ring, stored):
    with pytest.raises(DecryptionError):
        ring.decrypt_text(stored, HERE)


def test_another_key_under_the_same_id_does_not_decrypt(ring):
    impostor = KeyRing.parse(f"old:{KEYS['new']}")

    with pytest.raises(DecryptionError, match="wrong key"):
        impostor.decrypt_text(ring.encrypt_text("s3cret", HERE), HERE)


def test_a_missing_key_is_named_with_the_place_and_no_value(ring):
    stored = ring.encrypt_text("s3cret", HERE)

    with pytest.raises(DecryptionError) as caught:
        KeyRing.parse(ring_text("new")).decrypt_text(stored, HERE)

    error = caught.value
    assert (error.table, error.column, error.row_id, error.key_id) == ("vault_box", "secret", "7", "old")
    assert "FIELD_ENCRYPTION_KEYS" in str(error)
    assert stored.split(":")[2] not in repr(error) + str(error)


def test_the_error_survives_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(HERE.error("too short", key_id="old")))

    assert str(error) == "vault_box.secret of row 7 (key old): too short"


def test_the_first_key_encrypts_and_every_key_decrypts(ring):
    both = KeyRing.parse(ring_text("new", "old"))

    assert key_id_of(both.encrypt_text("x", HERE)) == "new"
    assert both.decrypt_text(ring.encrypt_text("from before", HERE), HERE) == "from before"


def test_spaces_and_both_base64_alphabets_are_taken():
    key = b"\xfb\xff" * 3 + os.urandom(26)

    text = f" a:{b64encode(key).decode()} , b:{urlsafe_b64encode(os.urandom(32)).decode()},\n"

    assert KeyRing.parse(text).key_ids == ("a", "b")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        (" , ", "is empty"),
        (GOOD, "entry 1 is not of the form"),
        (f"a:{GOOD},{GOOD}", "entry 2 is not of the form"),
        (f"a b:{GOOD}", "entry 1 is not of the form"),
        ("a:not base64!", "'a' is not base64"),
        (f"a:{encoded(16)}", "16 bytes"),
        (f"a:{encoded(33)}", "33 bytes"),
        (f"a:{KEYS['old']},a:{KEYS['new']}", "'a' is there twice"),
        (f"a:{KEYS['old']},b:{KEYS['old']}", "'b' is there under another id"),
        (f"a:{b64encode(bytes(32)).decode()}", "example"),
        (f"a:{b64encode(b'0123456789abcdef' * 2).decode()}", "example"),
        (f"a:{b64encode(bytes(range(32))).decode()}", "example"),
        (f"a:{b64encode(b'change-me-please-32-bytes-long!!').decode()}", "example"),
    ],
)
def test_an_unusable_ring_is_refused_by_the_name_of_the_variable_and_without_its_keys(text, complaint):
    with pytest.raises(KeyRingError, match=complaint) as caught:
        KeyRing.parse(text)

    message = str(caught.value)
    assert "FIELD_ENCRYPTION_KEYS" in message
    assert not any(
        part in message for entry in text.split(",") if len(part := entry.partition(":")[2] or entry) > 8
    )


def test_the_ring_does_not_show_its_keys(ring):
    assert KEYS["old"] not in repr(ring)
    assert "old" in repr(ring)


def test_the_active_ring_follows_the_setting(use_keys):
    assert active_keyring().primary_id == "old"

    use_keys("new", "old")

    assert active_keyring().key_ids == ("new", "old")


@pytest.mark.parametrize("text", ["", f"a:{b64encode(bytes(32)).decode()}"], ids=["none", "example"])
def test_the_app_does_not_start_with_keys_that_cannot_be_used(settings, text):
    settings.FIELD_ENCRYPTION_KEYS = text

    with pytest.raises(KeyRingError, match="FIELD_ENCRYPTION_KEYS"):
        apps.get_app_config("foundation").ready()
