import re

import pytest
from django.urls import Resolver404, resolve

from tests.support.wsgi import WsgiClient

LINKED = re.compile(r"""(?:src|href)=["']([^"']+)""")


def test_the_root_leads_to_the_admin(client):
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"] == "/admin/"


def test_the_api_docs_ask_no_other_server_for_anything(client):
    page = client.get("/api/docs").text

    linked = LINKED.findall(page)
    assert any("swagger-ui" in link for link in linked)
    assert [link for link in linked if not link.startswith(("/", "?"))] == []


def test_what_the_api_docs_need_is_there(client):
    page = client.get("/api/docs").text

    for link in LINKED.findall(page):
        path = link if link.startswith("/") else f"/api/docs{link}"
        response = client.get(path)
        b"".join(response)
        response.close()
        assert response.status_code == 200, link


def test_the_api_describes_itself_to_everybody(client):
    response = client.get("/api/schema")

    assert response.status_code == 200
    assert "/api/v1/tenants" in response.text


@pytest.mark.parametrize(
    ("urls", "there", "not_there"),
    [
        ("isv_portal.urls_web", ["/admin/", "/api/v1/tenants", "/healthz"], ["/callback/x/"]),
        ("isv_portal.urls_callback", ["/healthz"], ["/admin/", "/api/v1/tenants", "/callback/x/"]),
    ],
)
def test_each_role_serves_its_part(urls, there, not_there):
    for path in there:
        assert resolve(path, urlconf=urls)
    for path in not_there:
        with pytest.raises(Resolver404):
            resolve(path, urlconf=urls)


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [("all", 400), ("callback", 400), ("web", 404)])
def test_each_role_but_web_takes_callbacks(settings, role, status):
    settings.PORTAL_ROLE = role

    assert WsgiClient().post("/callback/x/").status_code == status
