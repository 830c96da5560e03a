"""Who handles which event."""

import pytest

from dingtalk.routing import Router
from tests.support.events import NotingHandler


def test_one_handler_may_take_several_types() -> None:
    router, handler = Router(), NotingHandler()

    router.on("one", "two")(handler)

    assert router.find_handler("one") is router.find_handler("two") is handler
    assert router.find_handler("three") is None


def test_a_type_has_one_handler() -> None:
    router = Router()
    router.on("one")(NotingHandler())

    with pytest.raises(ValueError, match="one has a handler already"):
        router.on("two", "one")(NotingHandler())
