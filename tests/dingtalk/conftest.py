"""A suite, and DingTalk pushing to it."""

import pytest

from dingtalk.models import Suite
from tests.support.callback_signer import Signer
from tests.support.callbacks import ENCODING_AES_KEY, SUITE_KEY, TOKEN, Callbacks, make_suite


@pytest.fixture
def suite(db: None) -> Suite:
    """A suite that gets its events by SyncHTTP."""
    return make_suite()


@pytest.fixture
def signer() -> Signer:
    """DingTalk, as far as it signs and encrypts for the suite."""
    return Signer(TOKEN, ENCODING_AES_KEY, SUITE_KEY)


@pytest.fixture
def callbacks(suite: Suite, signer: Signer) -> Callbacks:
    """DingTalk pushing to the suite."""
    return Callbacks(suite, signer)
