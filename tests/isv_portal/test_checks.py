import pytest

from isv_portal.checks import check_addresses, check_services

POSTGRESQL = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"


def ids(messages) -> list[str]:
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


@pytest.fixture
def production(settings, monkeypatch):
    settings.EMBEDDED = False
    settings.DEBUG = False
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", POSTGRESQL)
    settings.CELERY_BROKER_URL = "redis://cache:6379/1"
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    settings.ALLOWED_HOSTS = ["portal.example.com", "localhost"]
    return settings


def test_a_production_setup_passes(production):
    assert ids([*check_addresses(), *check_services()]) == []


def test_a_public_address_without_tls_is_an_error(production):
    production.PUBLIC_BASE_URL = "http://portal.example.com"

    assert ids(check_addresses()) == ["isv_portal.E001"]


def test_this_machine_needs_no_tls(production):
    production.PUBLIC_BASE_URL = "http://127.0.0.1:8000"

    assert ids(check_addresses()) == []


def test_answering_to_any_host_name_is_an_error(production):
    production.ALLOWED_HOSTS = ["*"]

    assert ids(check_addresses()) == ["isv_portal.E002"]


@pytest.mark.parametrize(("allowed", "found"), [(["localhost"], ["isv_portal.W003"]), ([".example.com"], [])])
def test_not_answering_to_the_public_host_is_a_warning(production, allowed, found):
    production.ALLOWED_HOSTS = allowed

    assert ids(check_addresses()) == found


def test_debug_beside_services_is_an_error(production):
    production.DEBUG = True

    assert ids(check_services()) == ["isv_portal.E003"]


def test_sqlite_beside_services_is_a_warning(production, monkeypatch):
    monkeypatch.setitem(production.DATABASES["default"], "ENGINE", SQLITE)

    assert ids(check_services()) == ["isv_portal.W001"]


def test_the_folder_as_broker_beside_services_is_a_warning(production):
    production.CELERY_BROKER_URL = "filesystem://"

    assert ids(check_services()) == ["isv_portal.W002"]


def test_the_embedded_mode_needs_no_services(production, monkeypatch):
    production.EMBEDDED = True
    monkeypatch.setitem(production.DATABASES["default"], "ENGINE", SQLITE)
    production.CELERY_BROKER_URL = "filesystem://"

    assert ids(check_services()) == []
