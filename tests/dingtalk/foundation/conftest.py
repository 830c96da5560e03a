"""Key rings of these tests: two keys, each with an id, the same in every worker of a run."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest

from dingtalk.foundation.keyring import KeyRing

KEYS = {key_id: b64encode(sha256(key_id.encode()).digest()).decode() for key_id in ("old", "new")}


def ring_text(*key_ids: str) -> str:
    return ",".join(f"{key_id}:{KEYS[key_id]}" for key_id in key_ids)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.parse(ring_text("old"))


@pytest.fixture
def use_keys(settings) -> Callable[..., None]:
    """Configure the named keys, the first one encrypts."""

    def use(*key_ids: str) -> None:
        settings.FIELD_ENCRYPTION_KEYS = ring_text(*key_ids)

    use("old")
    return use
