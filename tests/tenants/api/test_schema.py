"""The OpenAPI document: without a warning, up to date, and true of what is answered."""

import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

from dingtalk.protocol.messages import Flaw
from tenants.api.errors import Refusal
from tenants.api.permissions import HasScope
from tenants.errors import ClosedReason, KeyRefusal, SendConflictReason
from tenants.notifications.answers import IdempotencyConflict, NotificationIsClosed
from tests.tenants.api.conftest import LIST_URL, detail_url, token_url

# What Django REST Framework, Django and our own fields answer.
OF_THE_FRAMEWORK = {
    "unknown_parameter",
    "repeated",
    "blank",
    "required",
    "null",
    "invalid",
    "invalid_choice",
    "min_value",
    "max_value",
    "max_length",
    "max_string_length",
    "not_a_list",
    "not_a_dict",
    "null_characters_not_allowed",
    "surrogate_characters_not_allowed",
    "parse_error",
    "bad_request",
    "not_authenticated",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "unsupported_media_type",
    "throttled",
    "error",
    "no_receivers",
    "not_for_templates",
}

STORED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> str:
    out = StringIO()
    call_command("spectacular", "--lang", "en", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def schema(document) -> dict:
    return yaml.safe_load(document)


def test_the_stored_document_is_up_to_date(document):
    assert STORED.read_text(encoding="utf-8") == document.rstrip("\n") + "\n", "run `make schema`"


def test_every_operation_wants_a_key_and_lists_its_refusals(schema):
    operations = [operation for path in schema["paths"].values() for operation in path.values()]

    assert len(operations) >= 39
    for operation in operations:
        assert operation["security"] == [{"ApiKey": []}]
        assert {"400", "401", "403", "429", "503"} <= set(operation["responses"])
        assert {"200", "201"} & set(operation["responses"])


@pytest.mark.django_db
def test_what_is_answered_has_the_fields_of_the_document(schema, app, make_tenant):
    make_tenant("dingcorp0001")
    answered = {
        "PaginatedTenantList": app.get(LIST_URL).json(),
        "Tenant": app.get(LIST_URL).json()["results"][0],
        "TenantDetail": app.get(detail_url("dingcorp0001")).json(),
        "Token": app.get(token_url("dingcorp0001")).json(),
        "Errors": app.get(detail_url("dingnobody")).json(),
    }

    for component, body in answered.items():
        assert set(body) == set(schema["components"]["schemas"][component]["properties"]), component


def test_no_field_of_the_document_is_a_secret_but_the_token(schema):
    fields = {
        field
        for component in schema["components"]["schemas"].values()
        for field in component.get("properties", {})
    }

    assert {field for field in fields if "token" in field or "secret" in field or "code" in field} == {
        "access_token",
        "code",
        "dingtalk_code",
        "last_error_code",
    }


def test_the_guide_names_every_code_that_is_answered():
    guide = (Path(settings.BASE_DIR) / "docs" / "rest-api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| [45]\d\d \|(.*?)\| ", guide, re.MULTILINE))))
    said_by_the_answer = {IdempotencyConflict, NotificationIsClosed}
    answers = {answer.default_code for answer in set(Refusal.__subclasses__()) - said_by_the_answer}
    codes = {
        *answers,
        *KeyRefusal,
        *SendConflictReason,
        *ClosedReason,
        *Flaw,
        HasScope.code,
        *OF_THE_FRAMEWORK,
    }

    assert codes - named == set()
