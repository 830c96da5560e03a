import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event

import pytest
from django.db import connections, transaction
from django.db.models import F

from dingtalk.foundation.leases import (
    Claim,
    DatabaseNow,
    claim_lease,
    holds_lease,
    lease_is_free,
    release_lease,
)
from tests.support.vault.models import Job

JOBS = Job.objects.all()

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return Job.objects.create()


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=DatabaseNow() - timedelta(seconds=1))


def database_now() -> datetime:
    return Job.objects.annotate(now=DatabaseNow()).values_list("now", flat=True)[0]


def test_a_free_row_is_claimed_with_the_next_epoch_and_until_its_time(job):
    epoch = claim_lease(JOBS, job.pk, seconds=60)

    job.refresh_from_db()
    assert (epoch, job.lease_epoch) == (1, 1)
    assert timedelta(seconds=55) < job.lease_until - database_now() <= timedelta(seconds=60)


def test_a_claim_that_is_made_once_serves_each_row_by_itself_and_writes_its_columns_with_it(job):
    claim = Claim(lambda: Job.objects.filter(state="open"), seconds=60, state="begun")
    other = Job.objects.create()

    assert [claim(job.pk), claim(job.pk), claim(other.pk)] == [1, None, 1]

    Job.objects.update(lease_until=None)
    assert claim(job.pk) is None
    Job.objects.filter(pk=job.pk).update(state="open")
    assert [claim(other.pk), claim(job.pk)] == [None, 2]
    job.refresh_from_db()
    assert job.state == "begun"
    assert timedelta(seconds=55) < job.lease_until - database_now() <= timedelta(seconds=60)


def test_a_held_row_is_not_claimed_and_not_changed(job):
    claim_lease(JOBS, job.pk, seconds=60)
    held_until = Job.objects.get().lease_until

    assert claim_lease(JOBS, job.pk, seconds=600) is None
    assert Job.objects.values_list("lease_until", "lease_epoch").get() == (held_until, 1)


def test_a_released_row_is_claimed_again_with_a_higher_epoch(job):
    epoch = claim_lease(JOBS, job.pk, seconds=60)

    assert release_lease(JOBS, job.pk, epoch) is True
    assert claim_lease(JOBS, job.pk, seconds=60) == epoch + 1


def test_an_expired_row_is_claimed_by_another(job):
    claim_lease(JOBS, job.pk, seconds=60)
    expire(job)

    assert claim_lease(JOBS, job.pk, seconds=60) == 2


def test_a_short_lease_runs_out_by_itself(job):
    assert claim_lease(JOBS, job.pk, seconds=0.05) == 1
    assert claim_lease(JOBS, job.pk, seconds=60) is None

    time.sleep(0.08)

    assert claim_lease(JOBS, job.pk, seconds=60) == 2


def test_a_late_holder_is_fenced_off(job):
    late = claim_lease(JOBS, job.pk, seconds=60)
    expire(job)
    current = claim_lease(JOBS, job.pk, seconds=60)

    written_late = Job.objects.filter(holds_lease(late), pk=job.pk).update(state="late")
    written = Job.objects.filter(holds_lease(current), pk=job.pk).update(state="done", lease_until=None)

    assert (written_late, written) == (0, 1)
    assert Job.objects.get().state == "done"


def test_a_late_holder_does_not_release_the_claim_of_another(job):
    late = claim_lease(JOBS, job.pk, seconds=60)
    expire(job)
    claim_lease(JOBS, job.pk, seconds=60)

    assert release_lease(JOBS, job.pk, late) is False
    assert claim_lease(JOBS, job.pk, seconds=60) is None


def test_a_holder_past_its_time_may_finish_while_nobody_else_has_claimed(job):
    epoch = claim_lease(JOBS, job.pk, seconds=60)
    expire(job)

    assert Job.objects.filter(holds_lease(epoch), pk=job.pk).exists()


def test_who_has_released_holds_nothing(job):
    epoch = claim_lease(JOBS, job.pk, seconds=60)
    release_lease(JOBS, job.pk, epoch)

    assert not Job.objects.filter(holds_lease(epoch), pk=job.pk).exists()
    assert release_lease(JOBS, job.pk, epoch) is False


def test_a_row_that_does_not_match_the_queryset_or_is_gone_is_not_claimed(job):
    assert claim_lease(Job.objects.filter(state="done"), job.pk, seconds=60) is None
    Job.objects.all().delete()

    assert claim_lease(JOBS, job.pk, seconds=60) is None


def test_a_claim_may_change_what_its_queryset_asks_for(job):
    due = Job.objects.filter(lease_epoch=0)

    assert claim_lease(due, job.pk, seconds=60) == 1


def test_the_free_rows_are_found(job):
    held, expired = Job.objects.create(), Job.objects.create()
    for claimed in (held, expired):
        claim_lease(JOBS, claimed.pk, seconds=60)
    expire(expired)

    assert set(Job.objects.filter(lease_is_free())) == {job, expired}


def test_the_database_time_is_near_ours_aware_and_finer_than_a_second(job):
    samples = []
    for _ in range(8):
        samples.append(database_now())
        time.sleep(0.003)

    assert all(abs(datetime.now(UTC) - sample) < timedelta(seconds=5) for sample in samples)
    assert len(set(samples)) > 1
    assert samples == sorted(samples)


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1000, 123456, 999999])
def test_a_stored_time_compares_with_the_database_time_as_times_do(job, microsecond):
    now = database_now()
    past = (now - timedelta(seconds=2)).replace(microsecond=microsecond)
    future = (now + timedelta(seconds=2)).replace(microsecond=microsecond)

    Job.objects.filter(pk=job.pk).update(dispatched_at=past, lease_until=future)

    assert Job.objects.filter(dispatched_at__lt=DatabaseNow(), lease_until__gt=DatabaseNow()).exists()
    assert not Job.objects.filter(lease_until__lt=DatabaseNow()).exists()


def test_a_time_written_by_the_database_reads_as_if_written_by_us(job):
    Job.objects.filter(pk=job.pk).update(dispatched_at=DatabaseNow())
    written = Job.objects.get().dispatched_at

    Job.objects.filter(pk=job.pk).update(lease_until=written)

    assert Job.objects.filter(lease_until=F("dispatched_at")).exists() or written.microsecond == 0


def in_threads(*acts: Callable[[], object]) -> list[object]:
    """Run each in a thread and on a connection of its own, all from the same moment."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait(timeout=10)
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, act) for act in acts]]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_the_same_moment_one_gets_the_row():
    for round_number in range(1, 11):
        job = Job.objects.create()

        epochs = in_threads(*[lambda pk=job.pk: claim_lease(JOBS, pk, seconds=60)] * 6)

        assert sorted(epochs, key=str) == [1, None, None, None, None, None], round_number


@pytest.mark.django_db(transaction=True)
def test_each_claim_of_many_gets_an_epoch_of_its_own_and_no_two_hold_at_once():
    job = Job.objects.create()
    holders: list[int] = []
    most: list[int] = []

    def work() -> list[int]:
        epochs = []
        while len(epochs) < 8:
            epoch = claim_lease(JOBS, job.pk, seconds=60)
            if epoch is None:
                time.sleep(0.001)
                continue
            holders.append(epoch)
            most.append(len(holders))
            holders.remove(epoch)
            epochs.append(epoch)
            assert release_lease(JOBS, job.pk, epoch)
        return epochs

    epochs = [epoch for one in in_threads(*[work] * 4) for epoch in one]

    assert sorted(epochs) == list(range(1, 33))
    assert max(most) == 1


@pytest.mark.django_db(transaction=True)
def test_who_waited_for_another_transaction_sees_the_claim_that_it_made():
    job = Job.objects.create()
    is_claimed = Event()

    def first() -> int | None:
        with transaction.atomic():
            epoch = claim_lease(JOBS, job.pk, seconds=60)
            is_claimed.set()
            time.sleep(0.1)
        return epoch

    def second() -> int | None:
        is_claimed.wait(timeout=10)
        return claim_lease(JOBS, job.pk, seconds=60)

    assert in_threads(first, second) == [1, None]


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_is_rolled_back_was_never_made():
    job = Job.objects.create()

    with transaction.atomic():
        claim_lease(JOBS, job.pk, seconds=60)
        transaction.set_rollback(True)

    assert claim_lease(JOBS, job.pk, seconds=60) == 1
