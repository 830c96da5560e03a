import json
import re
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
from django.core.management import get_commands

from tests.isv_portal.compose_file import COMPOSE, OURS, SERVICES, TEXT, interpolated
from tests.isv_portal.test_settings import variables_read_by
from tests.support.checkout import ROOT

SECRETS = {"SECRET_KEY": "s", "FIELD_ENCRYPTION_KEYS": "k", "POSTGRES_PASSWORD": "p"}
HTTP = {"callback", "web"}


def test_the_file_is_what_compose_reads():
    schema = json.loads((Path(__file__).parent / "compose_schema.json").read_text())

    jsonschema.validate(COMPOSE, schema)


def test_every_process_of_the_portal_has_a_service():
    assert set(OURS) == {
        "migrate",
        "callback",
        "web",
        "worker",
        "dispatcher",
        "beat",
        "stream",
        "rds",
        "simulator",
    }


@pytest.mark.parametrize("missing", SECRETS)
def test_a_missing_secret_is_refused_with_a_message(missing):
    given = {name: value for name, value in SECRETS.items() if name != missing}

    with pytest.raises(ValueError, match=f"^{missing}: set {missing} in .env"):
        interpolated(TEXT, given)


def test_with_its_secrets_the_file_is_complete():
    assert "${" not in interpolated(TEXT, SECRETS)


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name):
    command = OURS[name]["command"]

    assert command[0] == "python"
    if command[1] == "-m":
        assert find_spec(command[2])
    else:
        assert (ROOT / command[1]).is_file()
        assert command[2] in get_commands()


@pytest.mark.parametrize("name", set(OURS) - {"migrate", "simulator"})
def test_processes_wait_for_the_tables_and_the_broker(name):
    assert OURS[name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "valkey": {"condition": "service_healthy"},
    }


def test_the_tables_wait_for_the_database_and_are_made_once():
    migrate = OURS["migrate"]

    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert migrate["restart"] == "no"


@pytest.mark.parametrize("name", set(SERVICES) - HTTP - {"migrate"})
def test_every_service_that_stays_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", ["worker", "dispatcher", "beat", "stream", "rds"])
def test_background_processes_are_healthy_while_they_do_something(name):
    assert OURS[name]["healthcheck"]["test"][-2:] == ["heartbeat", name]


def test_web_processes_have_the_health_check_of_the_image():
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert all("healthcheck" not in SERVICES[name] for name in HTTP)
    assert "HEALTHCHECK" in dockerfile.rpartition("FROM ")[2]
    assert "/readyz" in dockerfile


def test_there_is_exactly_one_beat():
    assert OURS["beat"]["container_name"]


@pytest.mark.parametrize("name", ["rds", "simulator"])
def test_what_not_everybody_needs_starts_only_when_asked_for(name):
    assert SERVICES[name]["profiles"] == [name]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["rds", "simulator"]


def test_data_is_in_named_volumes():
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])
    }

    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", set(OURS) - {"simulator"})
def test_only_variables_that_the_settings_read_are_set(name):
    known = variables_read_by((ROOT / "isv_portal" / "settings.py").read_text())

    assert set(OURS[name]["environment"]) <= known


def test_the_image_runs_without_privileges():
    dockerfile = (ROOT / "Dockerfile").read_text()
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)
    base = next(stage for stage in stages if " AS base" in stage.splitlines()[0])

    assert "USER portal" in base
    assert all("USER root" not in stage for stage in stages)


def test_what_the_image_copies_is_sent_to_the_build():
    dockerfile = (ROOT / "Dockerfile").read_text()
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)

    assert {name for names in copied for name in names.split()} == sent
