import pytest

from dingtalk.protocol.crypto import decode_aes_key
from dingtalk.protocol.envelope import CallbackCredential
from tests.support.callback_signer import Signer

TOKEN = "Kx93mTq0LwZs7Yb2Vd5Ne8Rf1Gh4Jc6P"
AES_KEY_TEXT = "q7Zx2Wv9Lk4Jn6Hb8Gt3Fr5Dc1Sa0Pm7Yu2Io9Ee4Ww"
SUITE_KEY = "suitekq7ymx3wq2ulr9vd"


@pytest.fixture
def signer():
    return Signer(TOKEN, AES_KEY_TEXT, SUITE_KEY)


@pytest.fixture
def credential():
    return CallbackCredential(token=TOKEN, aes_key=decode_aes_key(AES_KEY_TEXT), owner_key=SUITE_KEY)
