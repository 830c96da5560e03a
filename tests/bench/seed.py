"""
`python -m tests.bench.seed`: makes the tables, one suite, companies with warm tokens, and an API key.

A process of its own, in the portal's environment, so that the bench itself needs no Django. Prints what an
outsider needs to know as JSON.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import django
from django.core.management import call_command
from django.utils import timezone

django.setup()

from dingtalk import suites  # noqa: E402
from dingtalk.foundation.audit import Actor  # noqa: E402
from dingtalk.foundation.models import ActorKind  # noqa: E402
from dingtalk.models import Suite  # noqa: E402
from tenants import api_keys  # noqa: E402
from tenants.models import AccessToken, ApiClient, AuthCorp, Scope, Tenant, TenantState, TokenKind  # noqa: E402

COMPANIES = 20
TOKEN_LIFETIME = timedelta(hours=2)
ACTOR = Actor(kind=ActorKind.COMMAND, name="bench")


def main() -> None:
    """Fill an empty database, and print what is in it."""
    now = timezone.now()
    call_command("migrate", interactive=False, verbosity=0)
    suite = _make_suite(now=now)
    seed: dict[str, Any] = {
        "suite_id": str(suite.pk),
        "suite_key": suite.suite_key,
        "callback_token": suite.callback_token,
        "encoding_aes_key": suite.encoding_aes_key,
        "callback_path": suite.callback_path,
        "tokens": dict(_make_company(suite, number, now=now) for number in range(COMPANIES)),
        "api_key": _make_api_key(suite, now=now),
    }
    print(json.dumps(seed))


def _make_suite(*, now: datetime) -> Suite:
    return suites.register_suite(
        name="bench",
        suite_id="31415001",
        suite_key="suitebench0000000001",
        suite_secret="suite-secret-of-the-bench",
        callback_token=suites.generate_callback_token(),
        encoding_aes_key=suites.generate_encoding_aes_key(),
        actor=ACTOR,
        now=now,
    )


def _make_company(suite: Suite, number: int, *, now: datetime) -> tuple[str, str]:
    """Make an active tenant; return its corp id and its token."""
    corp_id, token = f"dingbench{number:08d}", f"token-of-company-{number:020d}"
    corp = AuthCorp.objects.create(corp_id=corp_id, name=f"Company {number}")
    tenant = Tenant.objects.create(suite=suite, corp=corp, state=TenantState.ACTIVE, authorized_at=now)
    AccessToken.objects.create(
        kind=TokenKind.CORP,
        suite=suite,
        tenant=tenant,
        token=token,
        issued_at=now,
        expires_at=now + TOKEN_LIFETIME,
        refresh_at=now + TOKEN_LIFETIME - timedelta(minutes=10),
    )
    return corp_id, token


def _make_api_key(suite: Suite, *, now: datetime) -> str:
    client = ApiClient.objects.create(name="bench", scopes=[Scope.TOKENS_READ])
    client.suites.add(suite)
    _, text = api_keys.create_key(client=client, label="bench", expires_at=None, now=now, actor=ACTOR)
    return text


if __name__ == "__main__":
    main()
