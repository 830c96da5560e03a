"""
No secret leaves its place: after a long story with failures, everything that was written is searched.

At the level DEBUG, on SQLite with a folder for a broker, and on PostgreSQL with Redis.
"""

import base64
import contextlib
import json
import secrets
import sqlite3
import string
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests
from django.contrib import admin
from psycopg import sql

from tenants.models import Scope
from tests.journeys import app_secrets
from tests.journeys.browser import Browser
from tests.journeys.canaries import Canaries, as_read, spellings
from tests.journeys.conftest import empty_redis, new_database
from tests.journeys.onlooker import Onlooker
from tests.journeys.operator import Operator
from tests.journeys.processes import eventually, manage, run
from tests.journeys.stack import LEGACY, SEED, SYNC_HTTP, Stack
from tests.support.callback_signer import Signer

# The story is long, and belongs to the first test.
pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

FIRST, SECOND, THIRD, FOURTH = (company["corp_id"] for company in SEED["companies"])
ADMIN_PASSWORD = f"canary-password-{secrets.token_hex(8)}"
LETTERS_AND_DIGITS = string.ascii_letters + string.digits
SUITE_FIELDS = {
    "suite_secret": "suite secret",
    "token": "callback token",
    "encoding_aes_key": "EncodingAESKey",
    "suite_ticket": "suite ticket",
}
KINDS = {
    *SUITE_FIELDS.values(),
    *("AES key", "permanent code", "temporary code", "access token", "API key", "key shown once"),
    *("typed and refused", "unreadable push", "unknown event", "password", "SECRET_KEY", "encryption key"),
    *app_secrets.KINDS,
}
# Everything that is encrypted in the database, as text.
READ_ENCRYPTED = """
import json
from django.apps import apps
from dingtalk.foundation.encrypted_fields import EncryptedTextField, encrypted_fields_of
print(json.dumps([
    [f"{model.__name__}.{field.name}", str(getattr(row, field.name))]
    for model in apps.get_models() for field in encrypted_fields_of(model)
    if isinstance(field, EncryptedTextField) for row in model._default_manager.all()
    if getattr(row, field.name)
]))
"""
READ_COMMANDS = f"""
from django.core.management import call_command
for command in ("suite list", "suite show {SYNC_HTTP}", "tenant list", "tenant show {SYNC_HTTP} {SECOND}",
                "api_key list"):
    call_command(*command.split())
    call_command(*command.split(), "--json")
"""
# A row of each kind that only other ways of receiving make, so that the admin has a page of it.
MAKE_ROWS_OF_OTHER_WAYS = """
from django.utils import timezone
from dingtalk.models import StreamConnection, Suite
from tenants.models import FailedPushFetch, Tenant
from tests.support.admin_rows import make_failed_pushes
FailedPushFetch.objects.all().delete()
make_failed_pushes(Tenant.objects.first(), now=timezone.now())
StreamConnection.objects.get_or_create(suite=Suite.objects.first())
"""


@dataclass
class Told:
    """A story that was told: its secrets, and everything that was answered and printed."""

    stack: Stack
    browser: Browser
    onlooker: Onlooker
    canaries: Canaries = field(default_factory=Canaries)
    answers: dict[str, bytes] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)

    def keep(self, answer: requests.Response, *, without: str = "") -> requests.Response:
        """Keep an answer of the API; `without`: what it was asked for."""
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        text = head + (answer.text.replace(without, "") if without else answer.text)
        self.answers[f"{answer.status_code} {answer.url} #{len(self.answers)}"] = text.encode()
        return answer

    def learn_what_is_stored(self) -> None:
        """Learn what the portal keeps encrypted, in addition to what DingTalk has issued."""
        self.learn()
        kinds = {"AccessToken.token": "access token"}
        for column, value in json.loads(self.stack.python(READ_ENCRYPTED)):
            if column == "Notification.warnings" and value == "[]":
                continue
            self.canaries.add(kinds.get(column, column), value)

    def learn(self) -> None:
        """Learn what DingTalk has issued so far."""
        state = self.stack.simulator.state()
        for suite in state["suites"]:
            for name, kind in SUITE_FIELDS.items():
                self.canaries.add(kind, suite[name])
            self.canaries.add("AES key", base64.b64decode(suite["encoding_aes_key"] + "="))
        for grant in state["grants"]:
            if grant["permanent_code"]:
                self.canaries.add("permanent code", grant["permanent_code"])
        for code in state["one_time_codes"]:
            self.canaries.add("temporary code", code["code"])


@pytest.fixture(scope="module", params=["embedded", "services"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The whole story on each kind of stack, which is still running."""
    stack = _new_stack(request, tmp_path_factory.mktemp("secrets"))
    broker_folder = stack.directory / "data" / "broker"
    with Onlooker(broker_folder=broker_folder, redis_url=stack.env.get("REDIS_URL", "")) as onlooker:
        stack.start()
        try:
            told = Told(stack, Browser(stack), onlooker)
            tell(told)
            yield told
        finally:
            stack.stop()


def _new_stack(request: pytest.FixtureRequest, directory: Path) -> Stack:
    if request.param == "embedded":
        stack = Stack(directory)
    else:
        database_url = new_database(request.getfixturevalue("postgresql_url"))
        redis_url = empty_redis(request.getfixturevalue("redis_url"))
        stack = Stack(directory, database_url=database_url, redis_url=redis_url)
    stack.env = {**stack.env, "LOG_LEVEL": "DEBUG"}
    return stack


def tell(told: Told) -> None:
    """Tell the story, learning its secrets before they are replaced or wiped."""
    operator = Operator(told.stack)
    _set_up(told, operator)
    _authorize(told, operator)
    told.learn_what_is_stored()
    _serve_an_app(told)
    _go_wrong(told, operator)
    _send_what_is_wrong(told)
    _log_in(told)
    _change_secrets(told)
    _use_a_key_once(told)
    _end(told, operator)
    told.learn_what_is_stored()
    told.stack.python(MAKE_ROWS_OF_OTHER_WAYS)
    told.opened = told.browser.walk()
    told.answers["commands"] = told.stack.python(READ_COMMANDS).encode()


def _set_up(told: Told, operator: Operator) -> None:
    for suite_key in (SYNC_HTTP, LEGACY):
        # Characters that URLs, HTML and JSON write in other ways.
        _change_at_dingtalk(told, suite_key, suite_secret=f"{secrets.token_hex(12)}+/=&<\"'%s")
    with ThreadPoolExecutor(3) as people:
        waiting = [
            people.submit(operator.register_suite, SYNC_HTTP, **_settings_for_apps(told)),
            people.submit(operator.register_suite, LEGACY),
        ]
        waiting.append(people.submit(_create_superuser, told.stack))
        for each in waiting:
            each.result()
    for suite_key in (SYNC_HTTP, LEGACY):
        told.canaries.add("API key", operator.keys[suite_key].split("_", 2)[2])
        assert told.stack.simulator.check_url(suite_key, "check_create_suite_url")["accepted"]
    told.canaries.add("password", ADMIN_PASSWORD)
    for name, value in _own_keys(told.stack).items():
        told.canaries.add(
            "SECRET_KEY" if name == "SECRET_KEY" else "encryption key", value.partition(":")[2] or value
        )


def _own_keys(stack: Stack) -> dict[str, str]:
    """The portal's own keys, which are in its environment, or in the file that it made on its first start."""
    names = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
    if not stack.is_embedded:
        return {name: stack.env[name] for name in names}
    lines = (stack.directory / "data" / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def _change_at_dingtalk(told: Told, suite_key: str, **values: str) -> None:
    url = f"{told.stack.simulator.base_url}/_sim/suites/{suite_key}"
    assert requests.put(url, json=values, timeout=5).ok


def _authorize(told: Told, operator: Operator) -> None:
    simulator = told.stack.simulator
    for suite_key, corp_id in ((SYNC_HTTP, FIRST), (SYNC_HTTP, SECOND), (LEGACY, SECOND)):
        assert simulator.act(suite_key, corp_id, "authorize")["accepted"]
    told.learn()
    for suite_key in (SYNC_HTTP, LEGACY):
        assert simulator.push_ticket(suite_key)["accepted"]
    for suite_key, corp_id in ((SYNC_HTTP, FIRST), (SYNC_HTTP, SECOND), (LEGACY, SECOND)):
        eventually(lambda: operator.tenant(suite_key, corp_id, state="active"))  # noqa: B023 - called at once
        token = operator.patient_token(suite_key, corp_id)
        told.canaries.add("access token", token)
        told.keep(operator.access_token(suite_key, corp_id), without=token)
        simulator.act(suite_key, corp_id, "change", dept_ids=[2], user_ids=[])


def _settings_for_apps(told: Told) -> dict[str, str]:
    known = told.stack.simulator.suite(SYNC_HTTP)
    told.canaries.add("SSO secret", known["sso_secret"])
    given = {name: known[name] for name in ("isv_corp_id", "sso_secret")}
    return {**given, "js_domains": app_secrets.JS_DOMAIN}


def _serve_an_app(told: Told) -> None:
    def learn(code: str) -> None:
        for kind, value in json.loads(told.stack.python(code)):
            told.canaries.add(kind, value)

    app = app_secrets.BusyApp(told.stack, told.canaries, told.keep, suite_key=SYNC_HTTP, corp_id=SECOND)
    app.act(Scope.values, learn)


def _go_wrong(told: Told, operator: Operator) -> None:
    """DingTalk fails in every way while two more companies authorise and tokens are asked for."""
    simulator = told.stack.simulator
    for kind in ("html", "http_500", "rate_limit", "ip_ban", "errcode", "reset"):
        code = {"code": 40001} if kind == "errcode" else {}
        simulator.add_fault(endpoint="*", kind=kind, count=2, **code)
    simulator.add_fault(endpoint="/service/get_permanent_code", kind="drop_answer", count=1)
    for suite_key, corp_id in ((SYNC_HTTP, THIRD), (LEGACY, FOURTH)):
        simulator.act(suite_key, corp_id, "authorize")
    told.stack.let_token_run_out(SYNC_HTTP, SECOND)
    refused = told.keep(operator.access_token(SYNC_HTTP, SECOND))
    assert refused.status_code == 503, refused.text
    for suite_key, corp_id in ((SYNC_HTTP, THIRD), (LEGACY, FOURTH)):
        tenant = eventually(lambda: _failed(told, operator, suite_key, corp_id))  # noqa: B023 - called at once
        assert tenant["last_error"]
    simulator.clear_faults()


def _failed(told: Told, operator: Operator, suite_key: str, corp_id: str) -> Any:
    answer = told.keep(operator.ask(suite_key, corp_id))
    return answer.json() if answer.ok and answer.json()["last_error"] else None


def _send_what_is_wrong(told: Told) -> None:
    suite = told.stack.simulator.suite(SYNC_HTTP)
    signer = Signer(suite["token"], suite["encoding_aes_key"], SYNC_HTTP)
    query, body = signer.push({"EventType": "suite_ticket", "SuiteTicket": "x" * 20})
    damaged, damaged_body = signer.envelope(signer.encrypt(secrets.token_bytes(64)))
    for parameters, content in (({**query, "nonce": "other"}, body), (damaged, damaged_body), ({}, body)):
        answer = requests.post(suite["callback_url"], params=parameters, data=content, timeout=5)
        assert told.keep(answer).status_code == 400
    _push_what_cannot_be_read(told)
    with _nothing_can_be_stored(told.stack):
        query, body = signer.push({"EventType": "suite_ticket", "SuiteTicket": "y" * 20})
        answer = requests.post(suite["callback_url"], params=query, data=body, timeout=5)
    assert told.keep(answer).status_code == 503


def _push_what_cannot_be_read(told: Told) -> None:
    unreadable, unknown = (f"canary{secrets.token_hex(10)}" for _ in range(2))
    told.canaries.add("unreadable push", unreadable)
    told.canaries.add("unknown event", unknown)
    inner = json.dumps({"permanent_code": unknown, "corp_name": "x"})
    documents: list[Any] = [
        f"AuthCode={unreadable}",
        {"EventType": "tmp_auth_code", "AuthCode": unreadable, "AuthCorpId": ["none"]},
        {"EventType": "org_never_heard_of", "suite_ticket": unknown, "biz_data": inner},
    ]
    for document in documents:
        url = f"{told.stack.simulator.base_url}/_sim/suites/{SYNC_HTTP}/push"
        pushed = requests.post(url, json={"document": document, "wait": True}, timeout=10).json()
        assert pushed["accepted"], pushed


@contextlib.contextmanager
def _nothing_can_be_stored(stack: Stack) -> Iterator[None]:
    """Hold a lock on the table of pushes, as a backup or a migration might."""
    if stack.is_embedded:
        with contextlib.closing(sqlite3.connect(_sqlite_path(stack), timeout=10)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
        return
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE dingtalk_receivedpush IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def _sqlite_path(stack: Stack) -> Path:
    return stack.directory / "data" / "portal.sqlite3"


def _create_superuser(stack: Stack) -> None:
    create = manage("createsuperuser", "--no-input", "--username", "wang", "--email", "wang@example.com")
    run(create, env={**stack.env, "DJANGO_SUPERUSER_PASSWORD": ADMIN_PASSWORD})


def _log_in(told: Told) -> None:
    assert told.browser.log_in("wang", f"{ADMIN_PASSWORD}-mistyped").status_code == 200
    assert told.browser.log_in("wang", ADMIN_PASSWORD).url.endswith("/admin/")


def _change_secrets(told: Told) -> None:
    """The operator changes all secrets of a suite, after a first try that is refused."""
    suite = told.stack.simulator.suite(SYNC_HTTP)
    refused = f"typed-and-refused-{secrets.token_hex(8)}"
    told.canaries.add("typed and refused", refused)
    changed = {
        "suite_secret": f"changed-{secrets.token_hex(12)}",
        "token": secrets.token_hex(16),
        "encoding_aes_key": "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(43)),
    }
    page = _only_page(told, "/admin/dingtalk/suite/", suite["name"])
    form = {
        **{name: suite[name] for name in ("name", "suite_id", "suite_key", "push_mode")},
        "activation": "auto",
        "corp_token_method": "v1",
        "suite_token_method": "old",
        "jsapi_ticket_method": "v1",
        "kind": "suite",
        "keep_previous": "on",
        "new_suite_secret": changed["suite_secret"],
        "new_callback_token": changed["token"],
        "new_encoding_aes_key": changed["encoding_aes_key"],
    }
    assert told.browser.post(page, **{**form, "new_encoding_aes_key": refused}).status_code == 200
    assert told.browser.post(page, **form).history, "the form was taken"
    # DingTalk still uses the old ones, then the new ones.
    assert told.stack.simulator.push_ticket(SYNC_HTTP)["accepted"]
    _change_at_dingtalk(told, SYNC_HTTP, **changed)
    assert told.stack.simulator.push_ticket(SYNC_HTTP)["accepted"]


def _only_page(told: Told, list_path: str, name: str) -> str:
    """The page of the row that a search for its name finds."""
    text = told.browser.get(f"{list_path}?q={name}").text
    links = {part.partition('"')[0] for part in text.split('href="')[1:] if part.startswith(list_path)}
    (link,) = {link.partition("?")[0] for link in links if "/change/" in link}
    return link


def _use_a_key_once(told: Told) -> None:
    page = _only_page(told, "/admin/tenants/apiclient/", f"app of {LEGACY}")
    shown = told.browser.post(page.replace("/change/", "/make-key/"), label="once", days="1").text
    key = "isv_" + shown.partition("isv_")[2].partition("<")[0].partition('"')[0]
    told.canaries.add("key shown once", key.split("_", 2)[2])
    assert told.keep(told.stack.api("/tenants", key=key)).status_code == 200
    told.stack.manage("api_key", "revoke", key.split("_")[1])
    assert told.keep(told.stack.api("/tenants", key=key)).status_code == 401


def _end(told: Told, operator: Operator) -> None:
    told.stack.simulator.act(SYNC_HTTP, FIRST, "relieve", platform_time_ms=int(time.time() * 1000))
    eventually(lambda: operator.tenant(SYNC_HTTP, FIRST, state="relieved"))
    for suite_key in (SYNC_HTTP, LEGACY):
        told.keep(told.stack.api("/tenants", key=operator.keys[suite_key]))
        told.keep(operator.ask(suite_key, SECOND))
        told.keep(operator.access_token(suite_key, "dingnobody"))
    assert told.keep(operator.access_token(SYNC_HTTP, FIRST)).status_code == 409
    assert told.keep(told.stack.api("/tenants", key="isv_no_key")).status_code == 401
    told.keep(requests.get(f"{told.stack.base_url}/api/schema", timeout=15))


def test_the_search_finds_a_secret_in_every_spelling() -> None:
    canaries = Canaries()
    canaries.add("secret", "a+b/c=d&e<f'g0123456789")
    within = [b"--" + each + b"--" for each in spellings(b"a+b/c=d&e<f'g0123456789")]
    within += [base64.b64encode(b"x" * before + b"a+b/c=d&e<f'g0123456789" + b"yz") for before in range(7)]

    assert len(within) > 12
    assert all(canaries.found_in({"somewhere": text}) for text in within)
    assert canaries.found_in({"somewhere": b"a+b/c=d&e<f'h0123456789"}) == []


def test_the_story_used_secrets_of_every_kind_and_went_where_errors_are_told(told: Told) -> None:
    logs = told.stack.logs()

    assert told.canaries.names >= KINDS
    for line in ("callback_refused", "callback_not_received", "event_finished", "No token for a tenant app"):
        assert line in logs, line
    assert told.onlooker.seen["command lines"].count(b"manage.py") > 0


def test_no_log_holds_a_secret(told: Told) -> None:
    logs = {name: process.log() for name, process in told.stack.processes.items() if name != "simulator"}

    assert all(logs.values())
    assert told.canaries.found_in({name: log.encode() for name, log in logs.items()}) == []


def test_no_command_line_message_or_redis_command_holds_a_secret(told: Told) -> None:
    seen = told.onlooker.seen

    assert seen["broker folder" if told.stack.is_embedded else "redis"]
    assert told.canaries.found_in(seen) == []


def test_no_answer_of_the_api_and_no_command_prints_a_secret(told: Told) -> None:
    assert len(told.answers) > 20
    assert told.canaries.found_in(told.answers) == []


def test_every_page_of_the_admin_was_opened_and_none_shows_a_secret(told: Told) -> None:
    pages = told.browser.answers
    readable = {f"{name} as read": as_read(content) for name, content in pages.items()}

    found = told.canaries.found_in({**pages, **readable}, but_not=["key shown once"])
    shown_once = told.canaries.found_in(
        {name: page for name, page in pages.items() if "make-key" not in name}
    )

    assert found == []
    assert shown_once == []
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        opened = [each for each in told.opened if each.startswith(path)]
        assert path in opened
        if model._meta.label != "auth.Group":
            assert any(each.endswith("/change/") for each in opened), path
            assert any(each.endswith("/history/") for each in opened), path


def test_no_file_and_no_table_holds_a_secret(told: Told) -> None:
    stored = _files(told.stack) if told.stack.is_embedded else _tables(told.stack)

    if told.stack.is_embedded:
        assert "portal.sqlite3-wal" in stored
    assert FIRST.encode() in b"".join(stored.values())
    assert told.canaries.found_in(stored) == []


def _files(stack: Stack) -> dict[str, bytes]:
    """All files of the data directory but the one that is for keys."""
    data = stack.directory / "data"
    paths = [path for path in data.rglob("*") if path.is_file() and path.name != "secrets.env"]
    return {str(path.relative_to(data)): path.read_bytes() for path in paths}


def _tables(stack: Stack) -> dict[str, bytes]:
    """Every row of PostgreSQL as text, and every key and value of Redis."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = {name: _rows(connection, name) for (name,) in names}
    return {**tables, **_redis_values(stack.env["REDIS_URL"])}


def _rows(connection: psycopg.Connection[Any], table: str) -> bytes:
    query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))
    return b"\n".join(row.encode() for (row,) in connection.execute(query))


def _redis_values(url: str) -> dict[str, bytes]:
    with redis.Redis.from_url(url) as client:
        read: dict[bytes, Any] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        }
        keys = list(client.scan_iter())
        return {f"redis {key!r}": key + repr(read[client.type(key)](key)).encode() for key in keys}
