"""The same rules in Redis, and what happens without it. Redis's own clock counts, so times are short."""

import multiprocessing
import socket
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from dingtalk.client.discipline import Gate, Limits
from dingtalk.client.discipline import shared_book as shared_book_module
from dingtalk.client.discipline.book import BreakerRule
from dingtalk.client.discipline.local_book import LocalBook
from dingtalk.client.discipline.shared_book import AWAY_SECONDS, SharedBook
from dingtalk.protocol.errors import HoldReason
from tests.dingtalk.client.discipline.gates import (
    StillClock,
    calls_let_out,
    gate_of,
    held_back,
    refusal,
    request_of,
    rule_of,
)
from tests.support import services

LIMITS = Limits(calls_per_second=0, calls_per_20_seconds=0, breaker_failures=3, breaker_seconds=0.6)


@pytest.fixture
def url(redis_url: str) -> Iterator[str]:
    url = redis_url.rsplit("/", 1)[0] + "/7"
    Redis.from_url(url).flushdb()
    yield url
    Redis.from_url(url).flushdb()


def shared_book(url: str, limits: Limits = LIMITS, **options) -> SharedBook:
    """A book that has patience with a busy machine."""
    rule = rule_of(limits)
    options = {"timeout_seconds": 2.0, **options}
    return SharedBook(url=url, local=LocalBook(breaker=rule), breaker=rule, **options)


def processes(url: str, limits: Limits = LIMITS, count: int = 2):
    """Gates that know of each other through Redis alone, as those of several processes do."""
    return [gate_of(shared_book(url, limits), limits) for _ in range(count)]


def test_processes_have_one_budget(url):
    limits = Limits(calls_per_second=0, calls_per_20_seconds=100, calls_per_second_per_api=15)
    one, other = processes(url, limits)

    assert calls_let_out(one, request_of(), tries=10) == 10
    assert calls_let_out(other, request_of(), tries=10) == 5
    let_out = [calls_let_out(gate, request_of("/other", corp_id=""), tries=80) for gate in (one, other)]
    assert let_out == [80, 5]


def test_a_held_back_call_says_when_there_is_room(url):
    one, other = processes(url, Limits(calls_per_second_per_api=2))
    calls_let_out(one, request_of(), tries=2)

    error = held_back(lambda: other.admit(request_of()))

    assert error is not None
    assert error.reason is HoldReason.BUDGET
    assert 0.5 < error.retry_after_seconds <= 1
    time.sleep(error.retry_after_seconds + 0.02)
    assert calls_let_out(other, request_of(), tries=5) == 2


def count_in_a_process(url: str, start, results) -> None:
    """Call until the budget of 20 seconds is used up, by whomever."""
    limits = Limits(calls_per_second=0, calls_per_20_seconds=150)
    gate = gate_of(shared_book(url, limits, timeout_seconds=5.0), limits)
    start.wait()
    let_out = 0
    while calls_let_out(gate, request_of(corp_id=""), tries=1):
        let_out += 1
    results.put(let_out)


def test_real_processes_together_never_exceed_the_budget(url):
    context = multiprocessing.get_context("fork")
    results, start = context.Queue(), context.Barrier(3)
    workers = [context.Process(target=count_in_a_process, args=(url, start, results)) for _ in range(3)]

    for worker in workers:
        worker.start()
    counts = [results.get(timeout=20) for _ in workers]
    for worker in workers:
        worker.join()

    assert sum(counts) == 150


def test_what_one_process_hears_lets_all_rest(url):
    one, other = processes(url)

    one.note_limit(one.admit(request_of()), refusal("1111"))

    for gate in (one, other):
        error = held_back(lambda gate=gate: gate.admit(request_of("/other", suite_key="suite2")))
        assert error is not None
        assert error.reason is HoldReason.IP_BAN
        assert 299 < error.retry_after_seconds <= 300
        assert 299 < gate.state().everything_rests_seconds <= 300


def test_a_pause_concerns_its_scope_and_ends_by_itself(url):
    one, other = processes(url)
    brief = refusal("90013")
    brief.retry_after_seconds = 0.6
    one.note_limit(one.admit(request_of()), brief)

    assert held_back(lambda: other.admit(request_of("/other"))) is not None
    assert held_back(lambda: other.admit(request_of(corp_id="ding2"))) is None
    time.sleep(0.62)
    assert held_back(lambda: other.admit(request_of())) is None


def test_pauses_grow_whoever_hears_of_them_and_refusals_at_one_time_are_one(url):
    one, other = processes(url)
    lengths = []
    for gate in (one, other, one):
        under_way = [gate.admit(request_of()) for _ in range(3)]
        for admission in under_way:
            error = refusal("90018")
            error.retry_after_seconds = 0.2
            gate.note_limit(admission, error)
        lengths.append(error.retry_after_seconds)
        time.sleep(lengths[-1] + 0.02)

    assert lengths == pytest.approx([0.2, 0.4, 0.8], abs=0.1)


def test_the_breaker_is_shared_and_one_process_probes(url):
    one, other = processes(url)
    for number, gate in enumerate((one, other, one)):
        gate.note_no_answer(gate.admit(request_of(corp_id=f"dingof{number}")))

    assert held_back(lambda: other.admit(request_of())).reason is HoldReason.BREAKER
    assert other.state().broken == ("oapi.dingtalk.com/topapi/v2/user/get",)
    time.sleep(0.62)
    probe = one.admit(request_of())
    assert probe.is_probe
    assert held_back(lambda: other.admit(request_of())).retry_after_seconds == 1
    one.note_answer(probe)
    assert not other.admit(request_of()).is_probe
    assert other.state().broken == ()


def test_after_a_block_of_our_address_one_process_finds_out_for_all(url):
    one, other = processes(url)
    blocked = refusal("1111")
    blocked.retry_after_seconds = 0.3
    one.note_limit(one.admit(request_of()), blocked)
    time.sleep(0.35)

    probe = other.admit(request_of())
    waiting = held_back(lambda: one.admit(request_of("/other", corp_id="ding2")))

    assert waiting is not None
    assert waiting.ip_ban
    other.note_answer(probe)
    time.sleep(waiting.retry_after_seconds + 0.02)
    assert calls_let_out(one, request_of(), tries=5) == 5


def test_a_company_alone_breaks_the_endpoint_for_itself_in_all_processes(url):
    one, other = processes(url)
    for gate in (one, other, one, other):
        if not held_back(lambda gate=gate: gate.admit(request_of(corp_id="ding2"))):
            gate.note_answer(gate.admit(request_of(corp_id="ding2")))
        if not (error := held_back(lambda gate=gate: gate.admit(request_of()))):
            gate.note_no_answer(gate.admit(request_of()))

    assert error.scope == "suite and tenant and api"
    assert held_back(lambda: one.admit(request_of(corp_id="ding2"))) is None
    assert other.state().broken == ()
    time.sleep(0.62)
    assert other.admit(request_of()).is_probe


def test_a_probe_that_fails_breaks_it_again(url):
    one, other = processes(url)
    for _ in range(3):
        one.note_no_answer(one.admit(request_of()))
    time.sleep(0.62)

    other.note_no_answer(other.admit(request_of()))

    assert 0 < held_back(lambda: one.admit(request_of())).retry_after_seconds <= 0.6
    time.sleep(0.62)
    assert one.admit(request_of()).is_probe


def test_everything_in_redis_ends_by_itself(url):
    (gate,) = processes(url, Limits(breaker_failures=1, breaker_seconds=5), count=1)
    admission = gate.admit(request_of())
    gate.note_limit(gate.admit(request_of("/other")), refusal("90018"))
    gate.note_no_answer(admission)

    redis = Redis.from_url(url)
    names = redis.keys()

    assert len(names) == 11
    assert all(redis.pttl(name) > 0 for name in names)


class TestWithoutRedis:
    def test_calls_are_counted_in_the_process_and_it_is_said_once_a_minute(self, caplog):
        limits = Limits(calls_per_second=8, calls_per_20_seconds=0, calls_per_second_per_api=0)
        clock = StillClock()
        book = shared_book(f"redis://127.0.0.1:{services.free_port()}/0", limits, clock=clock)

        let_out = calls_let_out(gate_of(book, limits), request_of(), tries=20)
        for _ in range(13):
            clock.now += AWAY_SECONDS
            assert book.state().kept_in == "process"

        said = [record.msg for record in caplog.records if record.name == shared_book_module.__name__]
        assert let_out == 8
        assert said == ["Redis is away: calls to DingTalk are counted in this process"] * 2

    def test_each_process_takes_its_share_of_the_budget(self):
        limits = Limits(calls_per_second=40, calls_per_20_seconds=0)
        book = shared_book(f"redis://127.0.0.1:{services.free_port()}/0", limits)
        gate = Gate(limits=limits, book=book, processes=4)

        assert calls_let_out(gate, request_of(corp_id=""), tries=60) == 10

    def test_a_redis_that_hangs_costs_its_time_out_once_in_a_while(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            rule = BreakerRule(failures=0, seconds=15, probe_seconds=30)
            clock = StillClock()
            book = SharedBook(
                url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
                local=LocalBook(breaker=rule),
                breaker=rule,
                clock=clock,
            )
            gate = gate_of(book)
            began = time.perf_counter()
            for number in range(50):
                gate.note_no_answer(gate.admit(request_of("/other", corp_id=str(number))))
            took = time.perf_counter() - began

        # Each of the hundred questions would have taken its 50 ms.
        assert took < 2.5

    def test_a_ban_outlives_the_death_of_redis(self):
        url = services.start_redis()
        gate = gate_of(shared_book(url))
        gate.note_limit(gate.admit(request_of()), refusal("1111"))

        Redis.from_url(url).shutdown(nosave=True)
        error = held_back(lambda: gate.admit(request_of("/other")))

        assert error is not None
        assert error.reason is HoldReason.IP_BAN

    def test_the_fleet_counts_together_again_when_redis_is_back(self, url):
        limits = Limits(calls_per_second=0, calls_per_20_seconds=20)
        clock = StillClock()
        rule = rule_of(limits)
        book = SharedBook(
            url=url, local=LocalBook(breaker=rule), breaker=rule, timeout_seconds=0.3, clock=clock
        )
        gate = gate_of(book, limits)
        assert calls_let_out(gate, request_of(), tries=5) == 5

        Redis.from_url(url).client_pause(700)
        assert calls_let_out(gate, request_of(corp_id=""), tries=30) == 20
        assert book.state().kept_in == "process"
        time.sleep(0.8)
        clock.now += AWAY_SECONDS

        assert book.state().kept_in == "redis"
        assert calls_let_out(gate, request_of(corp_id=""), tries=30) <= 15
