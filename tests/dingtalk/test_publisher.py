"""Publishing to a broker that is well, that refuses, and that hangs."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from dingtalk.publisher import Publisher
from dingtalk.work import WorkQueue


def queue_publishing(publish: Callable[[UUID], None]) -> WorkQueue:
    return WorkQueue(name="test", claim_due=lambda limit: [], run=lambda row_id: None, publish=publish)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """A publisher of little patience."""
    publisher = Publisher(timeout_seconds=0.05, pause_seconds=0.2)
    yield publisher
    publisher.close()


def refuse(row_id: UUID) -> None:
    raise ConnectionRefusedError


def test_a_task_is_published(publisher: Publisher) -> None:
    taken: list[UUID] = []
    row_id = uuid4()

    assert publisher.publish(queue_publishing(taken.append), [row_id]) == 1
    assert taken == [row_id]


def test_a_broker_that_refuses_is_left_alone_for_a_while(publisher: Publisher) -> None:
    taken: list[UUID] = []

    assert not publisher.publish(queue_publishing(refuse), [uuid4()])
    assert not publisher.is_open
    assert not publisher.publish(queue_publishing(taken.append), [uuid4()])
    assert taken == []


def test_a_broker_that_is_well_again_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(pause_seconds=0)
    caplog.set_level("INFO")

    for _ in range(3):
        assert not publisher.publish(queue_publishing(refuse), [uuid4()])
    assert publisher.publish(queue_publishing(lambda row_id: None), [uuid4()])

    messages = [record.message for record in caplog.records if record.name == "dingtalk.publisher"]
    assert messages == ["broker_failing", "broker_recovered"]
    publisher.close()


def test_a_broker_that_hangs_costs_one_time_out(publisher: Publisher) -> None:
    hanging, calls = threading.Event(), []

    def hang(row_id: UUID) -> None:
        calls.append(row_id)
        hanging.wait(10)

    try:
        assert not publisher.publish(queue_publishing(hang), [uuid4()])
        publisher._closed_until = 0.0
        assert not publisher.is_open
        assert not publisher.publish(queue_publishing(hang), [uuid4()])
        assert len(calls) == 1
    finally:
        hanging.set()


def test_what_was_taken_before_the_broker_failed_counts(publisher: Publisher) -> None:
    row_ids = [uuid4() for _ in range(5)]
    taken: list[UUID] = []

    def take_two(row_id: UUID) -> None:
        if len(taken) == 2:
            raise ConnectionResetError
        taken.append(row_id)

    assert publisher.publish(queue_publishing(take_two), row_ids) == 2
    assert taken == row_ids[:2]
    assert not publisher.is_open


def test_a_slow_broker_that_takes_one_after_the_other_is_waited_for(publisher: Publisher) -> None:
    slow = threading.Event()

    assert publisher.publish(queue_publishing(lambda row_id: slow.wait(0.03) and None), [uuid4()] * 6) == 6
