import ast
import base64
import json
import os
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.support.checkout import ROOT, clean_environment, run_python

SECRET_KEY = "s3cr3t-" * 10
SHOW = """
import json, pathlib, isv_portal.settings as settings
plain = (str, int, float, pathlib.Path)
values = {name: value for name, value in vars(settings).items() if name.isupper()}
shown = {name: str(value) for name, value in values.items() if isinstance(value, plain)}
print(json.dumps({**shown, "ALLOWED_HOSTS": str(settings.ALLOWED_HOSTS)}))
"""


def start(**variables: str):
    return run_python(["-c", SHOW], env=clean_environment(**variables))


def settings_of(**variables: str) -> dict[str, str]:
    result = start(**variables)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def services(tmp_path) -> dict[str, str]:
    return {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgres://portal:database-word@db:5432/portal",
        "REDIS_URL": "redis://cache:6379/0",
        "CELERY_BROKER_URL": "redis://cache:6379/1",
        "SECRET_KEY": SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
    }


def test_one_start_reports_every_wrong_variable_by_name(services):
    wrong = {
        "DEBUG": "ture",
        "SECRET_KEY": "too-short-a-word",
        "FIELD_ENCRYPTION_KEYS": "k1:bm90LWEta2V5",
        "PUBLIC_BASE_URL": "portal",
        "PORTAL_ROLE": "everything",
        "TIME_ZONE": "Asia/Atlantis",
        "LOG_LEVEL": "LOUD",
        "DATABASE_URL": "postgrse://portal:database-word@db/portal",
        "RDS_DATABASE_URL": "mysql://portal:database-word@db",
        "RDS_TLS": "perhaps",
        "RDS_CA_FILE": "/no/such/file.pem",
        "RDS_TIME_ZONE": "Asia/Atlantis",
        "TOKEN_WAIT_SECONDS": "0",
        "TOKEN_MAX_WAITERS": "none",
    }

    result = start(**{**services, **wrong})

    assert result.returncode != 0
    reported = set(re.findall(r"^  ([A-Z_]+): ", result.stderr, re.MULTILINE))
    assert reported == set(wrong)
    for secret in ("database-word", "too-short-a-word", "bm90LWEta2V5"):
        assert secret not in result.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_with_services_a_missing_secret_stops_the_start(services, missing):
    result = start(**{**services, missing: ""})

    assert result.returncode != 0
    assert f"{missing}: Environment variable not set." in result.stderr


def test_a_secret_can_come_from_a_file(services, tmp_path):
    file = tmp_path / "secret-key"
    file.write_text(f"{SECRET_KEY}from-a-file\n")

    settings = settings_of(**{**services, "SECRET_KEY": "", "SECRET_KEY_FILE": str(file)})

    assert settings["SECRET_KEY"] == f"{SECRET_KEY}from-a-file"


def test_an_unreadable_secret_file_is_reported_with_the_rest(services):
    result = start(**{**services, "SECRET_KEY": "", "SECRET_KEY_FILE": "/no/such/file", "DEBUG": "ture"})

    assert "SECRET_KEY_FILE must be a readable file path" in result.stderr
    assert "DEBUG: Not a valid boolean." in result.stderr


def test_lists_may_have_spaces_after_their_commas(services):
    settings = settings_of(**services, ALLOWED_HOSTS="a.example.com , b.example.com,")

    assert settings["ALLOWED_HOSTS"].startswith("['a.example.com', 'b.example.com', 'localhost'")


def test_without_services_the_secrets_are_made_once(tmp_path):
    first = settings_of(DATA_DIR=str(tmp_path))
    second = settings_of(DATA_DIR=str(tmp_path))

    assert first["EMBEDDED"] == "True"
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["FIELD_ENCRYPTION_KEYS"] == second["FIELD_ENCRYPTION_KEYS"]
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_the_example_file_as_it_is_starts_the_embedded_mode(tmp_path):
    settings = settings_of(DATA_DIR=str(tmp_path), ENV_FILE=str(ROOT / ".env.example"))

    assert settings["EMBEDDED"] == "True"
    assert settings["DEBUG"] == "False"


def test_a_relative_data_folder_is_below_the_checkout_wherever_we_are(services, tmp_path):
    env = clean_environment(**{**services, "DATA_DIR": "var/of-a-test", "PYTHONPATH": str(ROOT)})

    result = run_python(["-c", SHOW], env=env, folder=tmp_path)

    assert json.loads(result.stdout)["DATA_DIR"] == str(ROOT / "var/of-a-test")


def test_every_variable_is_in_the_example_file_and_nothing_else_is():
    source = (ROOT / "isv_portal" / "settings.py").read_text()
    compose = (ROOT / "docker-compose.yml").read_text()
    compose_only = set(re.findall(r"\$\{([A-Z_]+)", compose))

    listed = set(dotenv_values(ROOT / ".env.example"))

    assert listed == variables_read_by(source) | compose_only


def test_the_example_file_shows_the_defaults(tmp_path):
    with_example = settings_of(DATA_DIR=str(tmp_path), ENV_FILE=str(ROOT / ".env.example"))
    without = settings_of(DATA_DIR=str(tmp_path))

    assert with_example == without


def test_only_the_settings_read_the_environment():
    allowed = {"environment.py", "celery.py", "wsgi.py"}
    readers = {
        path.name
        for package in ("isv_portal", "tenants", "dingtalk")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    }

    assert readers <= allowed | demo_files(ROOT / "isv_portal" / "demo")


def demo_files(folder: Path) -> set[str]:
    """The demo gives its processes an environment of their own."""
    return {path.name for path in folder.rglob("*.py")}


def variables_read_by(source: str) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
