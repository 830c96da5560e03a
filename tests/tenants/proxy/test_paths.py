"""Which paths a key may call: patterns, attacks on them, and what no pattern allows."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.proxy.paths import (
    UnusablePattern,
    find_allowing,
    is_guarded,
    named_ids,
    read_path,
    read_pattern,
)

PLAIN = st.sampled_from(["topapi", "v1.0", "user", "get", "a", "b", "x.y", "U=1"])
WILD = st.sampled_from(["*"]) | PLAIN


@pytest.mark.parametrize(
    ("pattern", "path", "is_allowed"),
    [
        ("/topapi/v2/user/get", "/topapi/v2/user/get", True),
        ("/topapi/v2/user/get", "/topapi/v2/user/getx", False),
        ("/topapi/v2/user/get", "/topapi/v2/user/get/x", False),
        ("/topapi/v2/user/get", "/topapi/v2/user", False),
        ("/topapi/v2/user/get", "/topapi/v2/user/Get", False),
        ("/topapi/v2/user/*", "/topapi/v2/user/get", True),
        ("/topapi/v2/user/*", "/topapi/v2/user/get/more", False),
        ("/topapi/v2/user/*", "/topapi/v2/user", False),
        ("/topapi/*/user/get", "/topapi/v2/user/get", True),
        ("/topapi/*/user/get", "/topapi/v2/x/user/get", False),
        ("/v1.0/contact/**", "/v1.0/contact/users/u1", True),
        ("/v1.0/contact/**", "/v1.0/contact", False),
        ("/v1.0/contact/**", "/v1x0/contact/users", False),
        ("/v1.0/contact/**", "/v1.0/contacts/users", False),
        ("/**", "/topapi/v2/user/get", True),
        ("/*", "/topapi/v2", False),
    ],
)
def test_a_pattern_allows_what_it_says(pattern: str, path: str, is_allowed: bool):
    segments = read_path(path)

    assert segments is not None
    assert find_allowing(["/nothing/else", read_pattern(pattern)], segments) == (
        pattern if is_allowed else None
    )


def test_an_empty_list_allows_nothing():
    assert find_allowing([], ["topapi", "v2", "user", "get"]) is None


@pytest.mark.parametrize(
    "path",
    [
        *("/topapi/../gettoken", "/topapi/./user", "/topapi/.../user", "/..", "/topapi//user", "/", "//"),
        *("/topapi/", "topapi/user", "", "/topapi\\user", "/topapi/a\0b", "/topapi/user;x=1", "/a%2fb"),
        *("/%2e%2e/gettoken", "/topapi/user?access_token=x", "/topapi/user#x", "/topapi/user name"),
        *(
            "/topapi/usér",
            "/topapi/\u2024\u2024/x",
            "/topapi/user\n",
            "/topapi/*",
            "/{corpId}",
            "/a/\uff0e\uff0e",
        ),
        "/" + "a" * 512,
    ],
)
def test_a_path_that_is_not_plain_is_none(path: str):
    assert read_path(path) is None


@pytest.mark.parametrize(
    "path",
    [
        *("/gettoken", "/GetToken", "/gettoken.json", "/gettoken=1", "/service/get_corp_token", "/SERVICE/x"),
        *(
            "/sso/gettoken",
            "/sso/getuserinfo",
            "/sns/getuserinfo_bycode",
            "/get_jsapi_ticket",
            "/router/rest",
        ),
        *(
            "/v1.0/oauth2/accessToken",
            "/v1.0/oauth2/x",
            "/V1.0/OAuth2/x",
            "/v2.0/oauth2/x/token",
            "/oauth2/x",
        ),
        *("/v1.0/oauth2.json/x", "/topapi/x/get_token", "/v1.0/x/userAccessToken", "/v1.0/x/appSecrets"),
        *("/v1.0/x/jsapiTickets", "/v1/oauth2/x", "/v1.0.0/oauth2/x"),
    ],
)
def test_tokens_secrets_and_logins_are_never_allowed(path: str):
    segments = read_path(path)

    assert segments is not None
    assert is_guarded(segments)
    assert find_allowing(["/**", path], segments) is None


@pytest.mark.parametrize(
    "path", ["/topapi/v2/user/get", "/v1.0/serviceGroup/tickets", "/v1.0/contact/oauth2"]
)
def test_other_paths_are_not_guarded(path: str):
    assert not is_guarded(read_path(path) or [])


@pytest.mark.parametrize(
    ("text", "is_about_secrets"),
    [
        *(
            ("", False),
            ("topapi", False),
            ("/", False),
            ("/a//b", False),
            ("/a/**/b", False),
            ("/a/b*", False),
        ),
        *(("/a/***", False), ("/a/..", False), ("/a/%2e", False), ("/a b", False), ("/a?b", False)),
        *(("/" + "a" * 200, False), ("https://oapi.dingtalk.com/topapi", False), ("/topapi/", False)),
        *(
            ("/gettoken", True),
            ("/service/*", True),
            ("/v1.0/oauth2/**", True),
            ("/v1.0/x/accessToken", True),
        ),
    ],
)
def test_what_is_no_pattern_or_could_allow_nothing_is_refused(text: str, is_about_secrets: bool):
    with pytest.raises(UnusablePattern) as caught:
        read_pattern(text)

    assert (caught.value.pattern, caught.value.is_guarded) == (text, is_about_secrets)


@given(st.lists(WILD, min_size=1, max_size=4), st.booleans(), st.lists(PLAIN, min_size=1, max_size=6))
def test_a_pattern_matches_as_the_expression_that_it_stands_for(
    inner: list[str], is_open: bool, segments: list[str]
):
    pattern = "/" + "/".join([*inner, *(["**"] if is_open else [])])
    expression = "".join("/" + ("[^/]+" if each == "*" else re.escape(each)) for each in inner)
    expression += "(/[^/]+)+" if is_open else ""

    is_matching = re.fullmatch(expression, "/" + "/".join(segments)) is not None

    assert (find_allowing([pattern], segments) is not None) == is_matching


@given(st.text(max_size=40))
def test_any_text_is_a_plain_path_or_none(text: str):
    segments = read_path("/" + text)

    if segments is not None:
        assert "/" + text == "/" + "/".join(segments)
        assert all(re.fullmatch(r"[\w.~@:=+-]+", each, re.ASCII) for each in segments)
        assert not {"", ".", ".."} & set(segments)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1.0/contact/organizations/authInfos", "/v1.0/contact/organizations/authInfos"),
        ("/v1.0/contact/users/iiSxyzE", "/v1.0/contact/users/{id1}"),
        ("/v1.0/a/B2/c/4711", "/v1.0/a/{id1}/c/{id2}"),
    ],
)
def test_ids_in_a_path_are_not_part_of_the_endpoints_name(path: str, template: str):
    named, values = named_ids(path.split("/")[1:])

    assert named == template
    assert named.format_map(values) == path
