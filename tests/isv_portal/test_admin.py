"""What holds for every page of the admin."""

import re
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin as UnfoldModelAdmin

from dingtalk.foundation.models import AuditEntry
from tests.support.admin_rows import HOSTILE_NAME, AdminRows, make_rows, make_superuser

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
ALL_MODELS = pytest.mark.parametrize("model", MODELS, ids=[model._meta.label for model in MODELS])
WITH_FORM = {"dingtalk.Suite", "tenants.ApiClient", "auth.User", "auth.Group"}
DELETABLE = {"auth.User", "auth.Group"}
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def rows(db: None) -> AdminRows:
    return make_rows(now=timezone.now())


def browser_of(user: User, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def url_of(model: type[Model], page: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def buttons_of(model: type[Model], row: Model) -> list[str]:
    """The pages that the buttons of a row open."""
    label = f"{model._meta.app_label}_{model._meta.model_name}"
    actions = admin.site._registry[model].actions_detail
    return [reverse(f"admin:{label}_{action}", args=[row.pk]) for action in actions]


def pages_of(model: type[Model]) -> list[str]:
    """The pages that a model has: its list, the form of a new row, and those of one row."""
    pages = [url_of(model, "changelist")]
    if model._meta.label in WITH_FORM:
        pages.append(url_of(model, "add"))
    row = model._default_manager.first()
    if row is not None:
        pages += [url_of(model, "change", row.pk), url_of(model, "history", row.pk), *buttons_of(model, row)]
    return pages


@ALL_MODELS
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_opens_and_shows_no_secret(rows, model, language):
    browser = browser_of(make_superuser(), language)

    for url in pages_of(model):
        response = browser.get(url)
        page = response.content.decode()

        assert response.status_code == 200, url
        assert not [secret for secret in rows.secrets if secret in page], url
        assert "<script>alert(" not in page, url


@ALL_MODELS
def test_no_page_opens_for_staff_without_rights(rows, model):
    browser = browser_of(User.objects.create_user("li", is_staff=True))

    assert {browser.get(url).status_code for url in pages_of(model)} == {403}


@ALL_MODELS
def test_whoever_may_look_sees_pages_and_cannot_act(rows, model):
    meta = model._meta
    viewer = User.objects.create_user("li", is_staff=True)
    may_view = Permission.objects.get(
        content_type__app_label=meta.app_label, codename=f"view_{meta.model_name}"
    )
    viewer.user_permissions.add(may_view)
    browser = browser_of(viewer)
    row = model._default_manager.first()

    assert browser.get(url_of(model, "changelist")).status_code == 200
    if row is not None:
        page = browser.get(url_of(model, "change", row.pk))
        assert page.status_code == 200
        assert 'name="_save"' not in page.content.decode()
        for url in buttons_of(model, row):
            assert browser.post(url, {"_form_submitted": "True"}).status_code == 403
    assert not AuditEntry.objects.filter(actor="li").exists()


@ALL_MODELS
def test_rows_that_are_history_cannot_be_made_changed_or_deleted(rows, model):
    browser = browser_of(make_superuser())
    row = model._default_manager.first()

    if model._meta.label not in DELETABLE and row is not None:
        assert browser.get(url_of(model, "delete", row.pk)).status_code == 403
    if model._meta.label not in WITH_FORM:
        assert browser.get(url_of(model, "add")).status_code == 403
        if row is not None:
            assert browser.post(url_of(model, "change", row.pk), {}).status_code == 403


@ALL_MODELS
def test_every_page_has_the_looks_of_the_others(model):
    assert isinstance(admin.site._registry[model], UnfoldModelAdmin)


@ALL_MODELS
def test_every_model_is_in_the_sidebar_and_named_in_chinese(rows, model):
    page = browser_of(make_superuser(), "zh-hans").get("/admin/").content.decode()

    link = re.search(rf'href="{url_of(model, "changelist")}"[^>]*>(.*?)</a>', page, re.DOTALL)
    assert link
    assert HAN.search(link[1]) or "API" in link[1]


def test_no_page_asks_another_server_for_anything(rows):
    browser = browser_of(make_superuser())

    for model in MODELS:
        for url in pages_of(model):
            page = browser.get(url).content.decode()
            asked = re.findall(r'(?:src|<link[^>]+href|url)\s*[=(]\s*["\']?((?:https?:)?//[^"\')\s>]+)', page)
            assert {urlsplit(address).netloc for address in asked} <= {"testserver", ""}, url


def test_the_language_is_switched_by_a_button_and_stays():
    browser = Client()

    browser.post("/i18n/setlang/", {"language": "en", "next": "/admin/login/"})
    english = browser.get("/admin/login/").content.decode()
    browser.post("/i18n/setlang/", {"language": "zh-hans", "next": "/admin/login/"})
    chinese = browser.get("/admin/login/").content.decode()

    assert "Password" in english
    assert "密码" in chinese


def test_the_messages_and_the_history_hold_no_secret_and_no_markup(rows):
    browser = browser_of(make_superuser())
    url = url_of(type(rows.tenant), "change", rows.tenant.pk)

    browser.post(f"{url.removesuffix('change/')}reconcile/", {"_form_submitted": "True"})
    page = browser.get(url).content.decode()
    trail = browser.get(url_of(AuditEntry, "changelist")).content.decode()

    assert "1 tenant is being reconciled." in page
    assert HOSTILE_NAME not in page + trail
    assert not [secret for secret in rows.secrets if secret in page + trail]
