"""
Rows in bulk, made by PostgreSQL itself: companies, tenants, tokens, pushes, events, and what goes with them.

Ids hold times as ours do, spread over the last 28 days, the newest row last. What nobody decrypts holds a
text as long as a ciphertext. Everything is younger than its retention, and nothing waits: what an operation
works on, it makes itself.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from dingtalk.models import FeedHead, ReceivedEvent, ReceivedPush
from tenants.models import AuthCorp

DAYS = 28
# Of a hundred companies, how many use the second suite.
IN_SECOND_SUITE = 5
# Of a hundred companies, how many used a token within two hours; at least, in all, so many, that sweeps have
# as much to do at each size.
WITH_LIVE_TOKEN, LEAST_LIVE_TOKENS = 10, 600
# As many rows as that are what a filter looks for, at each size: what has more to show takes longer, and the
# fewer they are of all, the more a list without the right index reads.
RARE, RARE_TENANTS = 200, 100
CORP_ID = "dinggrow%s"

Tell = Callable[[str], None]

# From this table on an index is made after the rows, which is several times faster.
_TABLES = (
    *("tenants_authcorp", "tenants_tenant", "tenants_accesstoken", "tenants_tenanttransition"),
    *("tenants_failedpushfetch", "dingtalk_receivedpush", "dingtalk_receivedevent"),
    *("foundation_auditentry", "tenants_notification"),
)
_TYPES = (
    *("user_add_org", "user_modify_org", "org_dept_create", "org_dept_modify", "bpms_task_change"),
    *("bpms_instance_change", "attendance_check_record", "label_user_change", "check_in", "org_change"),
)


def corp_id_of(number: int) -> str:
    """Return the corp id of a company by its number, from 1 on."""
    return CORP_ID % f"{number:08d}"


def id_of(number: int, *, of: int, now: datetime) -> UUID:
    """Return the id of the row with that number among `of` rows."""
    began = now - timedelta(days=DAYS)
    milliseconds = int(began.timestamp() * 1000) + number * (DAYS * 86_400_000) // (of + 1)
    return UUID(f"{milliseconds:012x}7000{8:x}{number:015x}")


def fill(
    *,
    suites: tuple[UUID, UUID],
    client: UUID,
    tenants: int,
    events: int,
    now: datetime,
    tell: Tell = lambda _text: None,
) -> None:
    """Fill empty tables; `client`: the API client that sent the notifications; `tell` hears how far it is."""
    values = {
        "first": suites[0],
        "second": suites[1],
        "client": client,
        "tenants": tenants,
        "events": events,
        "began": now - timedelta(days=DAYS),
        "now": now,
        "types": list(_TYPES),
    }
    with connection.cursor() as cursor:
        # No foreign key is looked up: superusers only.
        cursor.execute("SET session_replication_role = replica")
        for statement in _statements():
            with _timed(statement.split()[2], tell):
                cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")
    FeedHead.objects.update_or_create(pk=1, defaults={"position": events})


def analyze() -> None:
    """Let PostgreSQL count and sample, as autovacuum does in time."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ANALYZE {table}")


def vacuum() -> None:
    """The same, and mark what all can see; not inside of a transaction."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")


@contextmanager
def without_indexes(tell: Tell = lambda _text: None) -> Iterator[None]:
    """Take away every index but the primary keys while the tables are filled, and make them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'u' AND conrelid::regclass::text = ANY(%s)",
            [list(_TABLES)],
        )
        constraints = cursor.fetchall()
        for table, name, _definition in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN "
            "(SELECT conname FROM pg_constraint WHERE contype = 'p')",
            [list(_TABLES)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for name, definition in indexes:
            with _timed(name, tell):
                cursor.execute(definition)
        for table, name, definition in constraints:
            with _timed(name, tell):
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


@contextmanager
def _timed(what: str, tell: Tell) -> Iterator[None]:
    started = time.monotonic()
    yield
    tell(f"{what}: {time.monotonic() - started:.1f} s")


def _id(number: str, count: str) -> str:
    """The SQL of `id_of`."""
    milliseconds = (
        f"(extract(epoch FROM %(began)s::timestamptz) * 1000)::bigint "
        f"+ ({number})::bigint * {DAYS * 86_400_000} / (({count}) + 1)"
    )
    return (
        f"(lpad(to_hex({milliseconds}), 12, '0') || '7000' || '8' || lpad(to_hex({number}), 15, '0'))::uuid"
    )


def _time(number: str, count: str) -> str:
    return f"(%(began)s::timestamptz + ({number}) * (interval '{DAYS} days' / (({count}) + 1)))"


def _rare(count: str, rows: int, *, remainder: int) -> str:
    """The SQL of a condition that so many of `count` rows fulfil."""
    return f"n %% greatest({count} / {rows}, 1) = {remainder}"


def _insert(table: str, columns: dict[str, str], rows: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {rows}"


def _statements() -> Iterator[str]:
    tenant, event = _id("n", "%(tenants)s"), _id("n", "%(events)s")
    tenant_time, event_time = _time("n", "%(tenants)s"), _time("n", "%(events)s")
    suite = f"CASE WHEN n %% 100 < {IN_SECOND_SUITE} THEN %(second)s::uuid ELSE %(first)s::uuid END"
    # The company of event n, and its suite.
    of_tenant = "(n %% %(tenants)s + 1)"
    suite_of_event = suite.replace("n %% 100", f"{of_tenant} %% 100")
    corp = "'dinggrow' || lpad({}::text, 8, '0')"
    secret = "repeat('c', 90)"
    companies = "generate_series(1, %(tenants)s) AS n"
    happened = "generate_series(1, %(events)s) AS n"
    free = {"lease_epoch": "0"}
    relieved = _rare("%(tenants)s", RARE_TENANTS, remainder=7)
    yield _insert(
        AuthCorp._meta.db_table,
        {
            "id": tenant,
            "corp_id": corp.format("n"),
            "industry": "'软件'",
            "logo_url": "''",
            "name": "'杭州' || chr(19968 + n %% 2000) || chr(19968 + n / 2000 %% 2000) || '科技有限公司'",
            "full_name": "''",
            "created_at": tenant_time,
        },
        companies,
    )
    yield _insert(
        "tenants_tenant",
        {
            "id": tenant,
            "suite_id": suite,
            "corp_id": tenant,
            "generation": "1",
            **free,
            "state": f"CASE WHEN {relieved} THEN 'relieved' ELSE 'active' END",
            "permanent_code": f"CASE WHEN {relieved} THEN NULL ELSE {secret} END",
            "agents": "'[]'",
            "agent_switches": "'{}'",
            "auth_user_id": "'manager1'",
            "auth_info_due": "false",
            "auth_scope_due": "false",
            "grant_unconfirmed": "false",
            "waiting_for": "''",
            "attempts": "0",
            "last_error": "''",
            "last_error_code": "''",
            "activation_note": "''",
            "authorized_at": tenant_time,
            "activated_at": tenant_time,
            "created_at": tenant_time,
            "updated_at": tenant_time,
        },
        companies,
    )
    live = f"n %% 100 < greatest({WITH_LIVE_TOKEN}, {100 * LEAST_LIVE_TOKENS} / %(tenants)s)"
    issued = f"(CASE WHEN {live} THEN %(now)s::timestamptz - interval '20 minutes' ELSE {tenant_time} END)"
    yield _insert(
        "tenants_accesstoken",
        {
            "id": tenant,
            "kind": "'corp_access_token'",
            "suite_id": suite,
            "tenant_id": tenant,
            **free,
            "token": secret,
            "issued_at": issued,
            "last_used_at": f"{issued} + interval '1 minute'",
            "expires_at": f"{issued} + interval '2 hours'",
            "refresh_at": f"{issued} + interval '109 minutes'",
            "method": "'v1'",
            "fallback_reason": "''",
            "failures": "0",
            "last_error": "''",
            "last_error_code": "''",
        },
        companies,
    )
    yield _insert(
        "tenants_tenanttransition",
        {
            "tenant_id": tenant,
            "at": tenant_time,
            "from_state": "'authorizing'",
            "to_state": "'active'",
            "generation": "1",
            "reason": "'org_suite_auth'",
        },
        companies,
    )
    yield _insert(
        "tenants_failedpushfetch",
        {
            "id": tenant,
            "tenant_id": tenant,
            "tried_at": tenant_time,
            "rounds_left": "0",
            "found": "0",
            "last_error": "''",
            **free,
        },
        f"{companies} WHERE n %% 10 = 1",
    )
    from_list = _rare("%(events)s", RARE, remainder=1)
    recent = "n > %(events)s - %(events)s / 5"
    yield _insert(
        ReceivedPush._meta.db_table,
        {
            "id": event,
            "suite_id": suite_of_event,
            "digest": "md5('p' || n) || md5(n::text)",
            "received_at": event_time,
            "split_at": event_time,
            "repeats": "0",
            "source": f"CASE WHEN {from_list} THEN 'failed_list' ELSE 'http' END",
            "body": f"CASE WHEN {recent} THEN decode(repeat('6a', 60), 'hex') END",
        },
        happened,
    )
    yield _insert(
        ReceivedEvent._meta.db_table,
        {
            "id": event,
            "suite_id": suite_of_event,
            "push_id": event,
            **free,
            "identity": "md5('e' || n) || md5(n::text)",
            "event_type": "(%(types)s::text[])[n %% 10 + 1]",
            "corp_id": corp.format(of_tenant),
            "biz_type": "13",
            "biz_id": "'u' || n",
            "platform_time": event_time,
            "received_at": event_time,
            "handled_at": event_time,
            "feed_position": "n",
            "is_known": f"NOT ({_rare('%(events)s', RARE, remainder=2)})",
            "state": f"CASE WHEN {_rare('%(events)s', RARE, remainder=3)} THEN 'dead' "
            "WHEN n %% 2000 = 5 THEN 'superseded' WHEN n %% 7 = 1 THEN 'ignored' ELSE 'handled' END",
            "attempts": "1",
            "note": "''",
            "last_error": "''",
            "code_version": "'0.1'",
        },
        happened,
    )
    some = "generate_series(1, %(events)s / 10) AS n"
    is_rare = _rare("(%(events)s / 10)", RARE, remainder=1)
    some_id, some_time = _id("n", "%(events)s / 10"), _time("n", "%(events)s / 10")
    yield _insert(
        "foundation_auditentry",
        {
            "id": some_id,
            "at": some_time,
            "actor_kind": "'api_client'",
            "actor": f"CASE WHEN {is_rare} THEN 'wang' ELSE 'attendance' END",
            "action": f"CASE WHEN {is_rare} THEN 'suite.rotate' ELSE 'proxy.call' END",
            "object_type": "'tenant'",
            "object_id": f"{some_id}::text",
            "object_label": "''",
            "request_id": "md5(n::text)",
            "details": "'{}'",
        },
        some,
    )
    sender = _id("(n %% %(tenants)s + 1)", "%(tenants)s")
    yield _insert(
        "tenants_notification",
        {
            "id": some_id,
            "tenant_id": sender,
            "client_id": "%(client)s::uuid",
            "key_prefix": "'grow'",
            "idempotency_key": "CASE WHEN n > %(events)s / 10 - 100 THEN n::text ELSE '' END",
            "request_digest": "md5(n::text)",
            "kind": "'message'",
            "agent_id": "1",
            "message_type": "'text'",
            "template_id": "''",
            "content_digest": "md5(n::text)",
            "user_count": "1",
            "dept_count": "0",
            "to_all_users": "false",
            "dingtalk_code": "''",
            "state": f"CASE WHEN {is_rare} THEN 'failed' ELSE 'sent' END",
            "attempt_started_at": some_time,
            "created_at": some_time,
            "sent_at": some_time,
            "task_id": "n",
            "dingtalk_request_id": "''",
        },
        some,
    )
