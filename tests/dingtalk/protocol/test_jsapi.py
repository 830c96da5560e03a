"""What of a page's URL is signed, and how."""

import hashlib

import pytest

from dingtalk.protocol.jsapi import jsapi_signature, normalised_url, text_to_sign

PAGE = {"jsapi_ticket": "t", "nonce": "n", "timestamp": 1}


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://app.example.com/a#/home?x=y", "https://app.example.com/a"),
        ("https://app.example.com:8443/a?b=c", "https://app.example.com:8443/a?b=c"),
        ("https://app.example.com:443/", "https://app.example.com:443/"),
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/?", "https://app.example.com/?"),
        ("https://app.example.com/%E9%92%89?n=%E9%92%89", "https://app.example.com/%E9%92%89?n=钉"),
        ("https://app.example.com/?a=1%2B1+2%20x", "https://app.example.com/?a=1+1 2 x"),
        # Once: what was encoded twice is encoded still.
        (
            "https://app.example.com/?back=https%253A%252F%252Fx",
            "https://app.example.com/?back=https%3A%2F%2Fx",
        ),
        ("https://app.example.com/?a=%23b#c", "https://app.example.com/?a=#b"),
        ("https://app.example.com/?a=100%&b=%zz", "https://app.example.com/?a=100%&b=%zz"),
        ("https://app.example.com/a?b?c", "https://app.example.com/a?b?c"),
    ],
)
def test_the_fragment_goes_the_query_is_decoded_once_and_the_rest_stays(url, signed):
    assert normalised_url(url) == signed


def test_the_parts_are_in_the_documented_order_and_spelling():
    assert text_to_sign(**PAGE, url="u") == "jsapi_ticket=t&noncestr=n&timestamp=1&url=u"


@pytest.mark.parametrize(("algorithm", "length"), [("sha256", 64), ("sha1", 40)])
def test_the_signature_is_the_hex_digest_of_the_text(algorithm, length):
    text = text_to_sign(**PAGE, url="https://app.example.com/?n=钉")

    signature = jsapi_signature(**PAGE, url="https://app.example.com/?n=%E9%92%89#top", algorithm=algorithm)

    assert signature == getattr(hashlib, algorithm)(text.encode()).hexdigest()
    assert len(signature) == length
