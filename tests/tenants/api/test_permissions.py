"""Each URL below /api/v1 needs a scope; a view without one is shut."""

from collections.abc import Iterable, Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tenants.api import urls
from tenants.api.permissions import HasScope
from tenants.models import Scope
from tests.tenants.api.conftest import LIST_URL, call, code_of, detail_url, token_url

CORP_ID = "dingcorp0001"


def api_patterns(entries: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    """All patterns, also of the packages that are included."""
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from api_patterns(entry.url_patterns)
        else:
            yield entry


def api_views() -> dict[str, type[APIView]]:
    patterns = api_patterns(urls.urlpatterns)
    return {str(pattern.pattern): pattern.callback.view_class for pattern in patterns}


def test_the_portal_serves_the_api_under_v1():
    assert get_resolver().resolve(LIST_URL).func.view_class is api_views()["tenants"]


@pytest.mark.parametrize("view", api_views().values(), ids=api_views())
def test_every_view_names_a_known_scope_and_uses_our_permission(view):
    assert view.required_scope in Scope
    permissions: list[type[BasePermission]] = view.permission_classes
    assert permissions == [HasScope]


def test_only_the_token_endpoint_is_for_who_may_read_tokens():
    assert {path for path, view in api_views().items() if view.required_scope == Scope.TOKENS_READ} == {
        "tenants/<str:suite_key>/<str:corp_id>/access-token"
    }


@pytest.mark.django_db
def test_a_view_that_names_no_scope_is_shut(app):
    class Forgotten(APIView):
        def get(self, request):
            return Response({"open": True})

    request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {app.text}"})

    assert Forgotten.as_view()(request).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "scope"),
    [
        (LIST_URL, Scope.TOKENS_READ),
        (detail_url(CORP_ID), Scope.TOKENS_READ),
        (token_url(CORP_ID), Scope.TENANTS_READ),
    ],
)
def test_a_key_with_another_scope_is_refused(make_app, make_tenant, url, scope):
    make_tenant(CORP_ID)

    answer = make_app(scopes=(scope,)).get(url)

    assert (answer.status_code, code_of(answer)) == (403, "insufficient_scope")


@pytest.mark.django_db
@pytest.mark.parametrize("url", [LIST_URL, detail_url(CORP_ID), token_url(CORP_ID)])
class TestMethods:
    """What can be done with a URL other than GET."""

    def test_head_and_options_are_answered(self, app, make_tenant, url):
        make_tenant(CORP_ID)
        key = {"Authorization": f"Bearer {app.text}"}

        head, options = call(url, method="head", **key), call(url, method="options", **key)

        assert (head.status_code, head.content) == (200, b"")
        assert options.status_code == 200
        assert options["Allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_nothing_is_written(self, app, url, method):
        answer = call(url, method=method, Authorization=f"Bearer {app.text}")

        assert (answer.status_code, code_of(answer)) == (405, "method_not_allowed")

    @pytest.mark.parametrize("method", ["head", "options", "post"])
    def test_without_a_key_no_method_says_anything(self, url, method):
        assert call(url, method=method).status_code == 401

    def test_a_slash_at_the_end_is_another_url(self, app, url):
        answer = app.get(url + "/")

        assert (answer.status_code, code_of(answer)) == (404, "not_found")

    def test_another_format_is_not_made(self, app, url):
        assert app.get(url, Accept="text/html").status_code == 406
        assert code_of(app.get(url, {"format": "xml"})) == "unknown_parameter"
