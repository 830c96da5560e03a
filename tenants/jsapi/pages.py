"""
Whose pages are signed: those on the domains that an operator has listed for the suite, and no others.

A signature lets a page act as the app inside DingTalk. So a URL has to be plain before it is compared: what
browsers and parsers could read in two ways is on no list.
"""

import re
from urllib.parse import urlsplit

MAX_URL_LENGTH = 4_096
_SCHEMES = ("http", "https")
# Labels as a browser shows them: ASCII (other scripts are punycode there), no dot at the end.
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_ANY_BELOW = "*."
# Browsers take a backslash for a slash, and drop tabs and line ends wherever they are.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")
_LARGEST_PORT = 65_535


def is_page_allowed(url: str, *, js_domains: str) -> bool:
    """
    Tell whether a page may be signed: an http or https URL whose host is listed, with any port.

    `js_domains`: one a line, a host itself or `*.` before a domain for every host below it.
    """
    host = _plain_host(url)
    return host is not None and any(_is_listed(host, line.strip().lower()) for line in js_domains.split("\n"))


def _plain_host(url: str) -> str | None:
    """The host in lower case, or None where there is any doubt about it."""
    if len(url) > MAX_URL_LENGTH or _AMBIGUOUS.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host, colon, port = parts.netloc.partition(":")
    is_plain = parts.scheme in _SCHEMES and _HOST.fullmatch(host) is not None
    return host.lower() if is_plain and _is_port(port, is_given=bool(colon)) else None


def _is_port(port: str, *, is_given: bool) -> bool:
    if not is_given:
        return True
    return _PORT.fullmatch(port) is not None and 0 < int(port) <= _LARGEST_PORT


def _is_listed(host: str, line: str) -> bool:
    if not line.startswith(_ANY_BELOW):
        return host == line
    domain = line.removeprefix(_ANY_BELOW)
    # "*.com" would be everybody.
    return "." in domain and _HOST.fullmatch(domain) is not None and host.endswith(f".{domain}")
