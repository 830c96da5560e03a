import uuid
from datetime import UTC, datetime

from dingtalk.foundation.ids import first_id_of, new_id, part_id

BEFORE = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_ids_are_unique_version_7_and_grow_with_time():
    ids = [new_id() for _ in range(1000)]

    assert all(type(one) is uuid.UUID and one.version == 7 for one in ids)
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)


def test_a_part_has_the_same_id_whenever_it_is_asked_for():
    whole, other = new_id(), new_id()

    parts = {part_id(row, number) for row in (whole, other) for number in range(5000)}

    assert part_id(whole, 7) == part_id(whole, 7)
    assert len(parts) == 10_000
    assert all((part.version, part.variant) == (8, uuid.RFC_4122) for part in parts)


def test_parts_are_ordered_as_their_rows_and_then_by_number():
    rows = [new_id() for _ in range(100)]

    parts = [part_id(row, number) for row in rows for number in (0, 1, 255, 256, 4095, 65_535)]

    assert parts == sorted(parts)
    assert first_id_of(BEFORE) < parts[0]
