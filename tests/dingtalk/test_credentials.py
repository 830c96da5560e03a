"""The credentials that a process keeps."""

import pytest

from dingtalk.credentials import CredentialCache
from dingtalk.errors import UnknownSuite
from dingtalk.models import Suite
from tests.support.callbacks import ENCODING_AES_KEY, TOKEN, make_suite


def test_credentials_are_read_once(suite: Suite, django_assert_num_queries) -> None:
    cache = CredentialCache()

    with django_assert_num_queries(1):
        first, second = (cache.get(suite.path_slug) for _ in range(2))

    assert first is second


def test_an_invalidated_suite_is_read_again(suite: Suite) -> None:
    cache = CredentialCache()
    cache.get(suite.path_slug)
    Suite.objects.update(version=2)

    cache.invalidate(suite.path_slug)

    assert cache.get(suite.path_slug).version == 2


def test_the_cache_forgets_the_suite_that_was_used_longest_ago(db: None) -> None:
    suites = [make_suite(suite_key=f"suitekey{number}") for number in range(3)]
    cache = CredentialCache(limit=2)
    cache.get(suites[0].path_slug)
    cache.get(suites[1].path_slug)
    cache.get(suites[0].path_slug)
    cache.get(suites[2].path_slug)

    assert list(cache._kept) == [suites[0].path_slug, suites[2].path_slug]


def test_unknown_slugs_are_not_kept(db: None) -> None:
    cache = CredentialCache()

    for slug in ("", "a", "0" * 40, "0" * 500, "nul\x00", "../x", "😀"):
        with pytest.raises(UnknownSuite):
            cache.get(slug)

    assert not cache._kept


def test_no_secret_is_shown(suite: Suite) -> None:
    shown = repr(CredentialCache().get(suite.path_slug))

    assert suite.suite_key in shown
    assert TOKEN not in shown
    assert ENCODING_AES_KEY not in shown
