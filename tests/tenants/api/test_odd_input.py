"""Whatever is sent: a clear answer of ours in the one shape, never a 5xx."""

from urllib.parse import quote

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tenants.api.conftest import LIST_URL, call, detail_url, token_url

ANY_TEXT = st.text(max_size=60)
ANY_QUERY = st.dictionaries(
    st.sampled_from(["state", "suite_key", "corp_id", "limit", "cursor", "min_ttl"]) | ANY_TEXT,
    ANY_TEXT,
    max_size=4,
)
QUICKLY = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

pytestmark = pytest.mark.django_db


def assert_is_refused(answer) -> None:
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["type"] in ("client_error", "validation_error")
    for error in answer.json()["errors"]:
        assert error["code"] and error["detail"]


@QUICKLY
@given(suite_key=ANY_TEXT, corp_id=ANY_TEXT)
def test_any_ids_that_are_none_are_refused(app, suite_key, corp_id):
    quoted = quote(corp_id, safe=""), quote(suite_key, safe="")

    for url in (detail_url(*quoted), token_url(*quoted)):
        answer = app.get(url)
        assert answer.status_code == 404
        assert_is_refused(answer)


@QUICKLY
@given(query=ANY_QUERY)
def test_any_query_is_answered_or_refused(app, make_tenant, query):
    for url in (LIST_URL, token_url("dingnobody", "nosuchsuite")):
        answer = app.get(url, {name.encode("utf-8", "replace"): value for name, value in query.items()})
        if answer.status_code != 200:
            assert_is_refused(answer)


@QUICKLY
@given(header=st.binary(max_size=80))
def test_any_authorization_header_is_refused(header):
    cache.clear()

    for prefix in ("", "Bearer ", "Bearer isv_"):
        answer = call(LIST_URL, Authorization=prefix + header.decode("latin-1"))
        assert answer.status_code == 401
        assert_is_refused(answer)


def test_a_flood_of_parameters_is_refused_with_a_key_or_without(app):
    flood = {f"a{number}": "1" for number in range(1_500)}

    for answer in (app.get(LIST_URL, flood), call(LIST_URL, flood)):
        assert_is_refused(answer)
        assert len(answer.content) < 1_000
