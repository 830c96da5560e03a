import copy
import pickle

import pytest

from dingtalk.foundation.secret import Secret


@pytest.mark.parametrize("value", ["canary", b"canary"])
def test_a_secret_is_shown_only_when_it_is_revealed(value):
    secret = Secret(value)

    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        repr([secret]),
    ]

    assert not any("canary" in text for text in shown)
    assert secret.reveal() == value


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("canary"))


def test_copies_of_a_secret_are_equal_to_it():
    secret = Secret("canary")

    assert copy.deepcopy({"x": secret})["x"] == copy.copy(secret) == secret


def test_secrets_are_compared_by_value_and_never_equal_their_text():
    assert Secret("钥") == Secret("钥")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("canary") != "canary"
