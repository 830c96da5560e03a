"""The dispatcher's own threads."""

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from dingtalk.local_workers import LocalWorkers
from dingtalk.work import WorkQueue

pytestmark = pytest.mark.django_db(transaction=True)


def queue_running(run: Callable[[UUID], None]) -> WorkQueue:
    return WorkQueue(name="test", claim_due=lambda limit: [], run=run, publish=lambda row_id: None)


def test_what_is_taken_on_is_done() -> None:
    done: list[UUID] = []
    ids = [uuid4() for _ in range(5)]
    workers = LocalWorkers(threads=4)

    assert all(workers.submit(queue_running(done.append), row_id) for row_id in ids)
    workers.close(drop_waiting=False)

    assert sorted(done) == sorted(ids)


def test_a_failure_leaves_the_thread_to_others(caplog: pytest.LogCaptureFixture) -> None:
    done: list[UUID] = []
    workers = LocalWorkers(threads=1)

    def fail(row_id: UUID) -> None:
        raise RuntimeError

    workers.submit(queue_running(fail), uuid4())
    workers.submit(queue_running(done.append), uuid4())
    workers.close(drop_waiting=False)

    assert len(done) == 1
    assert [record.message for record in caplog.records] == ["local_work_failed"]


def test_a_row_is_not_worked_twice_at_once_and_the_number_is_bounded() -> None:
    go_on, row_id = threading.Event(), uuid4()
    queue = queue_running(lambda row_id: go_on.wait(10) and None)
    workers = LocalWorkers(threads=1, max_accepted=2)

    assert workers.submit(queue, row_id)
    assert not workers.submit(queue, row_id)
    assert workers.submit(queue, uuid4())
    assert not workers.submit(queue, uuid4())
    assert workers.free == 0
    go_on.set()
    workers.close(drop_waiting=False)

    assert workers.free == 2


def test_what_has_not_begun_is_dropped_at_the_end() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def wait(row_id: UUID) -> None:
        begun.set()
        go_on.wait(10)
        done.append(row_id)

    workers = LocalWorkers(threads=1)
    first, second = uuid4(), uuid4()
    workers.submit(queue_running(wait), first)
    workers.submit(queue_running(wait), second)
    begun.wait(10)
    threading.Timer(0.05, go_on.set).start()

    workers.close(drop_waiting=True)

    assert done == [first]
