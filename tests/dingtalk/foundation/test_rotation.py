from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from dingtalk.foundation import rotation
from dingtalk.foundation.encrypted_fields import Ciphertext
from dingtalk.foundation.rotation import encrypted_models, rotate_model, rows_by_key_id
from tests.support.vault.models import Box, Chest

pytestmark = pytest.mark.django_db

SECRET_FIELD: Any = Box._meta.get_field("secret")


@pytest.fixture
def boxes(use_keys):
    """Seven rows under the old key, in batches of three; the new key is the first one since."""
    rows = [Box(secret=f"s{n}", spare=f"p{n}" if n % 2 else None, payload=bytes([n])) for n in range(7)]
    boxes = Box.objects.bulk_create(rows)
    use_keys("new", "old")
    return boxes


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(rotation, "BATCH_ROWS", 3)


@contextmanager
def before_each_update(act):
    """Call `act(number)` right before each UPDATE goes to the database."""
    numbers = iter(range(1000))

    def around(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not around.busy:
            around.busy = True
            try:
                act(next(numbers))
            finally:
                around.busy = False
        return execute(sql, params, many, context)

    around.busy = False
    with connection.execute_wrapper(around):
        yield


def values(box: Box) -> tuple[Any, ...]:
    return box.secret, box.spare, box.payload


def test_every_model_with_encrypted_columns_is_found():
    assert {Box, Chest} <= set(encrypted_models())


def test_after_a_rotation_every_value_is_under_the_first_key_and_reads_as_before(boxes, use_keys):
    before = [values(box) for box in boxes]

    report = rotate_model(Box)

    assert (report.seen, report.rotated, report.left, report.unreadable) == (7, 7, 0, 0)
    use_keys("new")
    assert [values(box) for box in Box.objects.order_by("pk")] == before


def test_a_second_run_changes_nothing(boxes):
    rotate_model(Box)
    stored = list(Box.objects.order_by("pk").values_list("secret", "spare", "payload"))

    report = rotate_model(Box)

    assert (report.seen, report.rotated, report.is_clean) == (7, 0, True)
    assert list(Box.objects.order_by("pk").values_list("secret", "spare", "payload")) == stored


def test_a_dry_run_counts_and_writes_nothing(boxes):
    report = rotate_model(Box, dry_run=True)

    assert (report.rotated, report.left, report.is_clean) == (0, 7, False)
    assert rows_by_key_id(Box) == {"old": 7}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stopped_at", range(7))
def test_a_run_that_was_cut_off_is_finished_by_the_next_one(boxes, stopped_at):
    class KilledError(Exception):
        pass

    def kill(number: int) -> None:
        if number == stopped_at:
            raise KilledError

    with before_each_update(kill), pytest.raises(KilledError):
        rotate_model(Box)
    assert rows_by_key_id(Box)["new"] == stopped_at

    report = rotate_model(Box)

    assert (report.rotated, report.is_clean) == (7 - stopped_at, True)
    assert [box.secret for box in Box.objects.order_by("pk")] == [f"s{n}" for n in range(7)]


def test_a_value_changed_meanwhile_is_kept_and_rotated_as_changed(boxes, use_keys):
    def change_the_first(number: int) -> None:
        if number == 0:
            use_keys("old", "new")
            Box.objects.filter(pk=boxes[0].pk).update(secret=SECRET_FIELD.encrypt_for(boxes[0].pk, "changed"))
            use_keys("new", "old")

    with before_each_update(change_the_first):
        report = rotate_model(Box)

    assert (report.rotated, report.is_clean) == (7, True)
    assert Box.objects.get(pk=boxes[0].pk).secret == "changed"
    assert rows_by_key_id(Box) == {"new": 7}


def test_a_row_that_keeps_changing_under_the_old_key_is_reported_as_left(boxes, use_keys):
    def change_the_first(number: int) -> None:
        use_keys("old", "new")
        Box.objects.filter(pk=boxes[0].pk).update(secret=SECRET_FIELD.encrypt_for(boxes[0].pk, f"c{number}"))
        use_keys("new", "old")

    with before_each_update(change_the_first):
        report = rotate_model(Box)

    assert report.left == 1
    assert Box.objects.get(pk=boxes[0].pk).secret.startswith("c")


def test_a_row_deleted_meanwhile_is_neither_left_nor_unreadable(boxes):
    def delete_the_last(number: int) -> None:
        if number == 6:
            Box.objects.filter(pk=boxes[6].pk).delete()

    with before_each_update(delete_the_last):
        report = rotate_model(Box)

    assert (report.rotated, report.is_clean) == (6, True)


def test_an_unreadable_value_is_reported_by_its_place_and_does_not_stop_the_others(boxes):
    tampered = boxes[2]
    stored = tampered.__dict__["secret"].stored
    Box.objects.filter(pk=tampered.pk).update(secret=Ciphertext(stored[:-4] + "AAA="))

    report = rotate_model(Box)

    assert (report.rotated, report.left, report.unreadable) == (7, 0, 1)
    assert report.problems[0].startswith(f"vault_box.secret of row {tampered.pk} (key old)")
    assert stored not in report.problems[0]
    assert rows_by_key_id(Box) == {"new": 7, "old": 1}


def test_many_problems_are_counted_and_the_first_twenty_listed(use_keys):
    Chest.objects.bulk_create(Chest(secret="x") for _ in range(25))
    use_keys("new")

    report = rotate_model(Chest)

    assert (report.unreadable, len(report.problems)) == (25, 20)


def test_progress_is_told_after_each_batch(boxes):
    told: list[tuple[int, int]] = []

    rotate_model(Box, progress=lambda report: told.append((report.seen, report.total)))

    assert told == [(3, 7), (6, 7), (7, 7)]
