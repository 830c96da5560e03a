"""Which addresses are on a suite's list: what could be read in two ways is on none."""

import pytest

from tenants.jsapi.pages import MAX_URL_LENGTH, is_page_allowed

DOMAINS = "app.example.com\n*.pages.example.org\nxn--fsqu00a.xn--55qx5d\nlocalhost\r\n"


def is_allowed(url: str, domains: str = DOMAINS) -> bool:
    return is_page_allowed(url, js_domains=domains)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com",
        "https://app.example.com/home?x=1#/top",
        "http://app.example.com/",
        "HTTPS://APP.Example.COM/",
        "https://app.example.com:8443/",
        "https://app.example.com?back=https://evil.example/@x",
        "https://app.example.com#@evil.example",
        "https://a.pages.example.org/",
        "https://a.b.pages.example.org/",
        "https://xn--fsqu00a.xn--55qx5d/",
        "http://localhost:3000/",
        "https://app.example.com/钉钉?名=字",
    ],
)
def test_a_page_of_a_listed_host_is_allowed_whatever_its_port_and_path(url):
    assert is_allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com/home",
        "//app.example.com/",
        "https:app.example.com",
        "https:///app.example.com/",
        "https://",
        "https://:8443/",
        "ftp://app.example.com/",
        "javascript://app.example.com/%0aalert(1)",
        "file:///app.example.com",
        "https://example.com/",
        "https://pages.example.org/",
        "https://other.example.com/",
        "https://app.example.com.evil.example/",
        "https://evil.example/app.example.com",
        "https://evilpages.example.org/",
        "https://.pages.example.org/",
        "https://a..pages.example.org/",
        "https://-a.pages.example.org/",
        "https://app.example.com./",
        "https://user@app.example.com/",
        "https://user:pw@app.example.com/",
        "https://app.example.com@evil.example/",
        "https://app.example.com:pw@evil.example/",
        "https://evil.example\\@app.example.com/",
        "https://app.example.com\\.evil.example/",
        "https:\\\\app.example.com/",
        "https://app.example.com%2eevil.example/",
        "https://app.example.com%00.evil.example/",
        "https://app%2eexample%2ecom/",
        "https://app.example.com:/",
        "https://app.example.com:0/",
        "https://app.example.com:65536/",
        "https://app.example.com:80a/",
        "https://app.example.com:-1/",
        "https://app.example.com:８０/",
        "https://ａpp.example.com/",
        "https://app。example。com/",
        "https://аpp.example.com/",
        "https://例子.公司/",
        "https://app.example.com\u2028/",
        "https://app.example.com\xa0/",
        "https://\u017f.pages.example.org/",
        "https://\u212a.pages.example.org/",
        " https://app.example.com/",
        "https://app.example.com/a b",
        "https://app.example.com/\n",
        "ht\ntps://app.example.com/",
        "https://app.exa\tmple.com/",
        "https://app.example.com/\x00",
        "https://app.example.com/\ud800",
        "https://[::1]/",
        "https://[app.example.com]/",
        "https://[app.example.com/",
        "https://app.example.com/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_everything_else_is_not(url):
    assert not is_allowed(url)


@pytest.mark.parametrize(
    "domains", ["", "\n \n", "*", "*.", "*.com", ".com", "*com", "**.example.com", "example.*"]
)
def test_no_list_or_one_that_says_everybody_allows_nobody(domains):
    assert not is_allowed("https://app.example.com/", domains)
    assert not is_allowed("https:///", domains)
