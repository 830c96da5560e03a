"""Whatever the OpenAPI document allows, and much that it does not, gets an answer that it describes."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Suite
from tenants import api_clients, api_keys
from tenants.models import Scope
from tests.support.onboarding import grant_arrives, reconciled
from tests.support.upstream import CORP_ID, Upstream, suite, upstream

__all__ = ["suite", "upstream"]

EXAMPLES_PER_OPERATION = 6
# 502 and 503 are answers about DingTalk, with a code of ours; a failure of ours is a 500.
OUR_FAULT = {500, 501, 504, 505}
CONFORMANCE = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
KNOWN = {"suite_key": "suitesimulated01", "corp_id": CORP_ID, "userid": "manager01", "dept_id": "1"}
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="wang")


@pytest.fixture
def key(upstream: Upstream, suite: Suite, settings: Any) -> str:
    """A key that may do everything for one company, which is active."""
    settings.API_REQUESTS_PER_MINUTE = 0
    reconciled(grant_arrives(suite, upstream.authorize()))
    by_whom: dict[str, Any] = {"actor": OPERATOR, "now": timezone.now()}
    client = api_clients.create_client(
        name="fuzz", scopes=list(Scope), suites=[suite], tenants=None, **by_whom
    )
    _key, text = api_keys.create_key(
        client=client, label="", expires_at=None, proxy_paths=["/topapi/**", "/v1.0/contact/**"], **by_whom
    )
    return text


def operations(portal_url: str) -> Iterator[APIOperation]:
    schema = schemathesis.openapi.from_url(f"{portal_url}/api/schema")
    for result in schema.get_all_operations():
        yield result.ok()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_gets_a_500_or_an_answer_that_is_not_described(
    live_server: Any, key: str, mode: GenerationMode
) -> None:
    seen: dict[str, set[int]] = {}

    def check(case: Case, is_known: bool) -> None:
        if is_known:
            case.path_parameters |= {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        seen.setdefault(case.operation.label, set()).add(answer.status_code)
        assert answer.status_code not in OUR_FAULT, (case.as_curl_command(), answer.text[:500])
        case.validate_response(answer, checks=[CHECKS.get_one(name) for name in CONFORMANCE])

    for operation in operations(live_server.url):
        run_examples(operation.as_strategy(generation_mode=mode), check)

    assert {200, 404} <= set().union(*seen.values())


def run_examples(cases: st.SearchStrategy[Case], check: Any) -> None:
    @settings(
        max_examples=EXAMPLES_PER_OPERATION,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, is_known=st.booleans())
    def run(case: Case, is_known: bool) -> None:
        check(case, is_known)

    run()
