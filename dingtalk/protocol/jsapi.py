"""
What a page signs itself with before it uses the JSAPI of the DingTalk client.

Source: open.dingtalk.com, "jsapi-authentication", "develop-webapp-frontend"
"""

import hashlib
from typing import Literal
from urllib.parse import unquote_plus

Algorithm = Literal["sha256", "sha1"]


def normalised_url(url: str) -> str:
    """
    Return a page's URL as it is signed: without its fragment, the query decoded once as form data.

    Scheme, host, an explicit port and the path stay as they are: the client compares with what it shows.
    """
    page, question_mark, query = url.partition("#")[0].partition("?")
    return page + question_mark + unquote_plus(query)


def text_to_sign(*, jsapi_ticket: str, nonce: str, timestamp: str | int, url: str) -> str:
    """
    Return the text whose digest is the signature. `url`: normalised. `nonce` is `nonceStr` on the page.

    `timestamp`: any number, the one that the page passes as `timeStamp`.
    """
    return f"jsapi_ticket={jsapi_ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"


def jsapi_signature(
    *, jsapi_ticket: str, nonce: str, timestamp: str | int, url: str, algorithm: Algorithm = "sha256"
) -> str:
    """
    Return the hex signature for `dd.config` on the page at `url`, which need not be normalised yet.

    `algorithm`: SHA-256 as documented today, SHA-1 for old clients.
    """
    text = text_to_sign(jsapi_ticket=jsapi_ticket, nonce=nonce, timestamp=timestamp, url=normalised_url(url))
    return hashlib.new(algorithm, text.encode()).hexdigest()
