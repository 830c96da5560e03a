import json

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.test import Client, RequestFactory

from isv_portal import error_views


def test_below_the_api_an_unknown_path_is_answered_in_the_api_shape(client):
    response = client.get("/api/v1/nothing/here", headers={"accept-language": "en"})

    assert response.status_code == 404
    assert response.json() == {
        "type": "client_error",
        "errors": [{"code": "not_found", "detail": "Not found.", "attr": None}],
    }


def test_an_unknown_page_is_a_plain_page(client):
    response = client.get("/nothing/here")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("view", "exception", "status", "code"),
    [
        (error_views.bad_request, SuspiciousOperation("why"), 400, "bad_request"),
        (error_views.permission_denied, PermissionDenied("why"), 403, "permission_denied"),
    ],
)
def test_errors_outside_of_views_have_the_api_shape_and_tell_nothing_of_the_reason(
    view, exception, status, code
):
    response = view(RequestFactory().get("/api/v1/tenants"), exception=exception)

    assert response.status_code == status
    assert json.loads(response.content)["errors"][0]["code"] == code
    assert b"why" not in response.content


def test_a_failure_of_ours_is_a_server_error_without_its_reason():
    response = error_views.server_error(RequestFactory().get("/api/v1/tenants"))

    assert response.status_code == 500
    assert json.loads(response.content)["type"] == "server_error"


def test_a_request_for_a_foreign_host_is_a_bad_request_not_a_failure():
    response = Client(raise_request_exception=False).get(
        "/api/v1/tenants", headers={"host": "evil.example.com"}
    )

    assert response.status_code == 400
