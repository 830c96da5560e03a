"""What a refusal was about, where the error table's one word for it does not tell."""

from dingtalk.protocol.errors import ApiError

# "wrong key or secret", in the words of each generation; 853004: the signature, made with the secret.
_SECRET_CODES = frozenset({"invalidclientidorsecret", "invalid.client", "40080", "40088", "40096", "853004"})
# Unknown path, unknown method below /topapi, unknown action of the v1.0 gateway.
_MISSING_CODES = frozenset({"404", "22", "invalidaction.notfound"})


def is_secret_refused(error: ApiError) -> bool:
    """Tell whether DingTalk does not take the secret: another one may help."""
    return _deciding_code(error) in _SECRET_CODES


def is_call_unknown(error: ApiError) -> bool:
    """Tell whether DingTalk says that there is no such call: one of the other generation may help."""
    return _deciding_code(error) in _MISSING_CODES


def _deciding_code(error: ApiError) -> str:
    return (error.sub_code or error.code).casefold()
