import uuid

from dingtalk.foundation.ids import new_id


def test_ids_are_unique_version_7_and_grow_with_time():
    ids = [new_id() for _ in range(1000)]

    assert all(type(one) is uuid.UUID and one.version == 7 for one in ids)
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
