"""
Bad input gets a clear answer and changes nothing: about 1,500 seeded requests to a running portal.

On PostgreSQL with Redis, over connections that are kept, from several threads at once.
"""

import contextlib
import http.client
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from psycopg import sql

from tests.journeys.bad_input import CallbackCorpus, Wrong, api_requests, login_requests
from tests.journeys.conftest import start_stack
from tests.journeys.operator import Operator
from tests.journeys.processes import eventually
from tests.journeys.stack import LEGACY, SEED, SYNC_HTTP, Stack
from tests.support.callback_signer import Signer

pytestmark = pytest.mark.journey

SEED_NUMBER = 20261125
LONGEST_SECONDS = 3.0
KNOWN, NEW, ODD = (company["corp_id"] for company in SEED["companies"][:3])
# What changes by the way: when a key and a token were last used.
MAY_CHANGE = {
    "tenants_apikey": "last_used_at",
    "tenants_accesstoken": "last_used_at",
    "dingtalk_signoflife": "seen_at",
    "dingtalk_processheartbeat": "last_progress_at",
    "dingtalk_receivedpush": "repeats",
}
# Refused callbacks are counted for the operator; whoever sends them has no way to see it.
COUNTS_REFUSALS = "dingtalk_callbackrefusal"
# The web server closes a connection on which a body was not read to its end.
HEADERS_PER_ANSWER = {"date", "x-request-id", "connection"}


@dataclass(frozen=True)
class Answer:
    """What came back for a wrong request, and after how long."""

    to: Wrong
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    @property
    def content(self) -> tuple[Any, ...]:
        """All that whoever asked can tell answers apart by, but time."""
        headers = tuple((name, value) for name, value in self.headers if name not in HEADERS_PER_ANSWER)
        return self.status, headers, self.body


@pytest.fixture(scope="module")
def operator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A portal on PostgreSQL with two suites, and one active company that nothing is under way for."""
    stack = start_stack("services", tmp_path_factory.mktemp("bad-input"), request)
    try:
        operator = Operator(stack)
        with ThreadPoolExecutor(2) as people:
            list(people.map(operator.register_suite, (SYNC_HTTP, LEGACY)))
        assert stack.simulator.push_ticket(SYNC_HTTP)["accepted"]
        assert stack.simulator.act(SYNC_HTTP, KNOWN, "authorize")["accepted"]
        eventually(lambda: operator.tenant(SYNC_HTTP, KNOWN, state="active"))
        operator.patient_token(SYNC_HTTP, KNOWN)
        yield operator
    finally:
        stack.stop()


@pytest.fixture
def corpus(operator: Operator) -> CallbackCorpus:
    """What is wrong for the first suite; the second one is the foreigner."""
    simulated = [operator.stack.simulator.suite(suite_key) for suite_key in (SYNC_HTTP, LEGACY)]
    signers = [Signer(suite["token"], suite["encoding_aes_key"], suite["suite_key"]) for suite in simulated]
    path, other_path = (urlsplit(suite["callback_url"]).path for suite in simulated)
    return CallbackCorpus(path=path, signer=signers[0], foreign=signers[1], other_path=other_path)


def send(port: int, wrong: Iterable[Wrong]) -> list[Answer]:
    """Send requests one after another on one connection, which is made anew when the server closes it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        return [_send(connection, each) for each in wrong]
    finally:
        connection.close()


def _send(connection: http.client.HTTPConnection, wrong: Wrong) -> Answer:
    """A kept connection may have been closed after the answer before; a new one has to be answered."""
    if connection.sock is not None:
        with contextlib.suppress(ConnectionError):
            return _send_once(connection, wrong)
        connection.close()
    return _send_once(connection, wrong)


def _send_once(connection: http.client.HTTPConnection, wrong: Wrong) -> Answer:
    started = time.monotonic()
    connection.putrequest(wrong.method, wrong.target, skip_host="Host" in wrong.headers)
    for name, value in wrong.headers.items():
        connection.putheader(name, value.encode("latin-1"))
    connection.putheader("Content-Length", str(len(wrong.body)))
    # A body that is too long is refused before it has arrived.
    with contextlib.suppress(BrokenPipeError):
        connection.endheaders(wrong.body)
    response = connection.getresponse()
    body = response.read()
    seconds = time.monotonic() - started
    if response.will_close:
        connection.close()
    headers = tuple(sorted((name.lower(), value) for name, value in response.getheaders()))
    return Answer(wrong, response.status, headers, body, seconds)


def send_from_threads(port: int, wrong: list[Wrong], threads: int = 4) -> list[Answer]:
    """Send requests from several threads, each with a connection of its own."""
    with ThreadPoolExecutor(threads) as senders:
        shares = [senders.submit(send, port, wrong[number::threads]) for number in range(threads)]
        return [answer for share in shares for answer in share.result()]


def stored(stack: Stack) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them, once the portal has come to rest."""
    eventually(lambda: _is_at_rest(stack), what="nothing is under way")
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: _count_and_digest(connection, name) for (name,) in names if name != COUNTS_REFUSALS}


def _count_and_digest(connection: psycopg.Connection[Any], table: str) -> tuple[int, str]:
    query = sql.SQL(
        "SELECT count(*), md5(coalesce(string_agg(r, '' ORDER BY r), '')) FROM (SELECT {} AS r FROM {} t)"
    )
    changing = MAY_CHANGE.get(table)
    row = (
        sql.SQL("(to_jsonb(t) - {})::text").format(sql.Literal(changing)) if changing else sql.SQL("t::text")
    )
    found = connection.execute(query.format(row, sql.Identifier(table))).fetchone()
    assert found is not None
    return found[0], found[1]


def _is_at_rest(stack: Stack) -> bool:
    return _waiting_events(stack) == 0 == _count(stack, "tenants_tenant WHERE next_reconcile_at IS NOT NULL")


def _waiting_events(stack: Stack) -> int:
    waiting = _count(stack, "dingtalk_receivedevent WHERE state IN ('pending', 'failed')")
    return waiting + _count(stack, "dingtalk_receivedpush WHERE split_at IS NULL")


def _count(stack: Stack, rows: LiteralString) -> int:
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT count(*) FROM " + rows).fetchone()
    assert found is not None
    return int(found[0])


def assert_refused_clearly(answers: list[Answer], *, allowed: set[int]) -> None:
    """No server error but 503, nothing else than what is expected, and nothing late."""
    odd = [(answer.status, answer.to) for answer in answers if answer.status not in allowed]
    late = [(answer.seconds, answer.to) for answer in answers if answer.seconds > LONGEST_SECONDS]

    assert odd == []
    assert late == []


def _is_of_the_web_server(answer: Answer) -> bool:
    """What is no HTTP is refused before the portal sees it."""
    return answer.status == 400 and "x-request-id" not in dict(answer.headers)


def callback_port(operator: Operator) -> int:
    return operator.stack.callback_port


def test_no_wrong_callback_is_taken_and_all_are_refused_alike(
    operator: Operator, corpus: CallbackCorpus
) -> None:
    before = stored(operator.stack)
    wrong = list(corpus.requests(random.Random(SEED_NUMBER), 700))

    answers = send_from_threads(callback_port(operator), wrong)

    assert_refused_clearly(answers, allowed={400, 405})
    posted = [each for each in answers if each.to.method == "POST" and not _is_of_the_web_server(each)]
    assert len(posted) > 500
    assert len({answer.content for answer in posted}) == 1
    assert stored(operator.stack) == before


def test_every_failure_to_decrypt_has_the_same_answer(operator: Operator, corpus: CallbackCorpus) -> None:
    wrong = [each for seed in range(6) for each in corpus.undecryptable(random.Random(seed))]
    forged = Wrong(
        "forged", "POST", f"{corpus.path}?signature={'0' * 40}&timestamp=1&nonce=1", b'{"encrypt":"AAAA"}'
    )

    answers = send_from_threads(callback_port(operator), [*wrong, forged])

    assert len(answers) > 100
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].status == 400


def settled(stack: Stack) -> Any:
    """Return what is stored, once it stays the same for a second: the push has been worked on."""
    seen: list[Any] = [stored(stack)]

    def stays() -> bool:
        time.sleep(1)
        seen.append(stored(stack))
        return bool(seen[-1] == seen[-2])

    eventually(stays, what="nothing is under way")
    return seen[-1]


def test_a_recorded_push_that_is_replayed_changes_nothing(operator: Operator, corpus: CallbackCorpus) -> None:
    query, body = corpus.signer.push({"EventType": "org_never_heard_of", "CorpId": KNOWN}, nonce="abcd")
    url = f"http://127.0.0.1:{callback_port(operator)}{corpus.path}"
    assert requests.post(url, params=query, data=body, timeout=5).ok
    before = settled(operator.stack)
    parts = query["timestamp"] + query["nonce"]
    shifted = [{**query, "timestamp": parts[:cut], "nonce": parts[cut:]} for cut in range(1, len(parts))]

    with requests.Session() as session:
        statuses = [
            session.post(url, params=each, data=body, timeout=5).status_code for each in [query, *shifted]
        ]

    assert statuses[0] == 200
    assert set(statuses) <= {200, 400}
    assert stored(operator.stack) == before


def test_nothing_that_is_asked_of_the_api_wrongly_fails_or_changes_anything(operator: Operator) -> None:
    before = stored(operator.stack)
    key, tenant = operator.keys[SYNC_HTTP], f"{SYNC_HTTP}/{KNOWN}"
    wrong = list(api_requests(random.Random(SEED_NUMBER), 500, key=key, tenant=tenant))

    answers = send_from_threads(operator.stack.port, wrong)

    assert_refused_clearly(answers, allowed={200, 400, 401, 404, 405, 406, 415, 429})
    for answer in answers:
        if answer.status >= 400 and answer.to.method != "HEAD" and not _is_of_the_web_server(answer):
            assert b'"errors":' in answer.body, answer
        if answer.status == 200 and b"access_token" in answer.body:
            assert answer.to.headers["Authorization"] == f"Bearer {key}"
    assert stored(operator.stack) == before


def test_nobody_gets_into_the_admin_and_nothing_is_stored(operator: Operator) -> None:
    before = stored(operator.stack)
    wrong = list(login_requests(random.Random(SEED_NUMBER), 300))

    # A password is slow to check on purpose, so not several at once.
    answers = send_from_threads(operator.stack.port, wrong, threads=1)

    assert_refused_clearly(answers, allowed={200, 302, 400, 403, 404, 405})
    for answer in answers:
        cookies = [value for name, value in answer.headers if name == "set-cookie"]
        assert [
            each for each in cookies if each.startswith("sessionid=") and 'sessionid=""' not in each
        ] == []
        assert dict(answer.headers).get("location", "/admin/").startswith("/"), answer.to
    assert stored(operator.stack) == before


ODD_DOCUMENTS: list[Any] = [
    {"EventType": "suite_ticket", "SuiteTicket": "nul\x00ticket", "TimeStamp": 10**40},
    {"EventType": "tmp_auth_code", "AuthCode": "\x00", "AuthCorpId": "nul\x00corp"},
    {"EventType": "change_auth", "AuthCorpId": {"$ne": None}, "TimeStamp": -1},
    {"EventType": "org_suite_auth\x00", "CorpId": "\u202e" * 500},
    {"EventType": "x" * 5000, "CorpId": ODD, "TimeStamp": "1e400"},
    {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [None, 1, "x", [], {}, {"biz_type": 2**70}]},
    {
        "EventType": "SYNC_HTTP_PUSH_HIGH",
        "bizData": [
            {
                "id": 2**80,
                "biz_type": 4,
                "biz_id": "a\x00b",
                "corp_id": ODD,
                "gmt_modified": 2**80,
                "biz_data": '{"syncAction":"org_suite_auth","auth_corp_info":{"corpid":"dingother"}}',
            }
        ],
    },
    '{"EventType":"tmp_auth_code","AuthCode":"\\ud800","AuthCorpId":"\\udfff"}',
    '{"EventType":NaN}',
    "[]",
    "success",
]


@pytest.mark.parametrize("suite_key", [SYNC_HTTP, LEGACY])
def test_whatever_is_authentic_is_answered_and_comes_to_an_end(operator: Operator, suite_key: str) -> None:
    url = f"{operator.stack.simulator.base_url}/_sim/suites/{suite_key}/push"

    for document in ODD_DOCUMENTS:
        body = {"document": document, "wait": True, "retry": False}
        (push,) = requests.post(url, json=body, timeout=10).json()["pushes"]
        assert push["attempts"][0]["accepted"] or "400" in str(push["attempts"][0]), push

    _withdraw_companies_that_are_none(operator.stack)
    eventually(lambda: _is_at_rest(operator.stack), what="nothing is under way")


def _withdraw_companies_that_are_none(stack: Stack) -> None:
    """Their codes would be tried again and again, and other tests want a portal at rest."""
    eventually(lambda: _waiting_events(stack) == 0, what="no event waits")
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        connection.execute(
            "UPDATE tenants_tenant"
            " SET state = 'relieved', next_reconcile_at = NULL, generation = generation + 1"
            " WHERE corp_id NOT IN (SELECT id FROM tenants_authcorp WHERE corp_id LIKE 'dingcorp%')"
        )


def test_afterwards_the_portal_works_as_before(operator: Operator, corpus: CallbackCorpus) -> None:
    wrong = [*corpus.requests(random.Random(1), 40), *login_requests(random.Random(1), 20)]
    send_from_threads(operator.stack.port, wrong[40:])
    send_from_threads(callback_port(operator), wrong[:40])

    assert operator.stack.simulator.push_ticket(SYNC_HTTP)["accepted"]
    assert operator.stack.simulator.act(SYNC_HTTP, NEW, "authorize")["accepted"]
    eventually(lambda: operator.tenant(SYNC_HTTP, NEW, state="active"))
    assert operator.patient_token(SYNC_HTTP, NEW)
    assert all(process.is_running for process in operator.stack.processes.values())
