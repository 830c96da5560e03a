"""What a secret looks like in a text: the names that it stands under, and the shapes that it has."""

import re

from dingtalk.foundation.secret import MASK

# Each may have a prefix (corp_access_token, X-Api-Key) and be spelled with _, - or neither.
_ENDINGS = (
    "secret",
    "secret[_-]?key",
    "token",
    "ticket",
    "passw(?:or)?d",
    "passphrase",
    "permanent[_-]?code",
    "auth[_-]?code",
    "licen[cs]e[_-]?code",
    "aes[_-]?key",
    "api[_-]?key",
    "private[_-]?key",
    "encryption[_-]?keys?",
    "signature",
    "authorization",
    "cookie",
    "session[_-]?id",
)
_WHOLE_NAMES = ("encrypt", "sign", "pwd", "(?:database|redis|broker|cache)[_-]?url")
_NAME = rf"(?:[\w-]{{0,40}}?(?:{'|'.join(_ENDINGS)})|{'|'.join(_WHOLE_NAMES)})"

_BARE = r"""(?:%(?!26|22|27)|[^\s&"'<>,;)}\]\\%])"""

_SENSITIVE_NAME = re.compile(_NAME, re.IGNORECASE)
_ASSIGNMENT = re.compile(
    rf"""
    (?:(?<![\w-])|(?<=%[0-9a-f]{{2}}))                     # in a quoted URL too: %3Faccess_token%3D
    (?P<name>{_NAME}
        \\*["']?                                          # the quote that ends a quoted name
        \s*+(?:=>|={{1,3}}+|:|%3D|%3A)\s*+)
    (?:
        (?P<quote>b?(?P<mark>\\*["']))                    # quoted, up to the same quote or the end
            (?:(?!(?P=mark))(?:\\.|.))*
      | [\[({{][^\])}}]*[\])}}]?                          # a list or mapping
      | (?!(?:None|null|true|false|\*\*\*)(?!{_BARE}))
            {_BARE}+                                      # bare, up to what ends it in a URL or a line
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# Their values have spaces, commas and semicolons in them: masked to the end of the line.
_HEADER = re.compile(
    r"""(?<![\w-])([\w-]{0,20}?(?:cookie|authorization)\s*[:=]\s*)[^\s"'][^\r\n"']*""", re.IGNORECASE
)
_BEARER = re.compile(r"\b(Bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
_API_KEY = re.compile(r"\b(isv_[A-Za-z0-9]+_)[\w-]{16,}")


def is_sensitive_name(name: str) -> bool:
    """Whether a value under this name is masked, whatever it is."""
    return _SENSITIVE_NAME.fullmatch(name.strip()) is not None


def mask_by_name(text: str) -> str:
    """Mask what stands after a sensitive name, passwords in URLs, bearer tokens and our API keys."""
    if not ("=" in text or ":" in text or "%3" in text):
        # Nothing is assigned here; most log messages are of this kind, and this is much quicker.
        return _API_KEY.sub(rf"\1{MASK}", _BEARER.sub(rf"\1{MASK}", text))
    text = _HEADER.sub(rf"\1{MASK}", text)
    text = _ASSIGNMENT.sub(_masked_assignment, text)
    for pattern in (_BEARER, _URL_PASSWORD, _API_KEY):
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def _masked_assignment(match: re.Match[str]) -> str:
    return f"{match['name']}{match['quote'] or ''}{MASK}"
