import copy
import pickle
import random
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from dingtalk.foundation.encrypted_fields import (
    Ciphertext,
    EncryptedBinaryField,
    EncryptedTextField,
    encrypted_fields_of,
)
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.foundation.secret import Secret
from tests.support.vault.models import Box, Chest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("use_keys")]

SECRET_FIELD: Any = Box._meta.get_field("secret")


def raw(box: Box, column: str = "secret") -> Any:
    """What the column holds, past the ORM."""
    pk = (
        connection.ops.adapt_unknown_value(box.pk)
        if False
        else Box._meta.pk.get_db_prep_value(box.pk, connection)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM vault_box WHERE id = %s", [pk])
        value = cursor.fetchone()[0]
    return bytes(value) if isinstance(value, memoryview) else value


@pytest.mark.parametrize("plaintext", ["s3cret", "", "钉钉密钥🔑", "v1:old:AAAA"])
def test_a_text_is_read_as_it_was_written_and_stored_encrypted(plaintext):
    box = Box.objects.create(secret=plaintext)

    assert Box.objects.get(pk=box.pk).secret == plaintext
    assert raw(box).startswith("v1:old:")
    assert not plaintext or plaintext not in raw(box)


@pytest.mark.parametrize("plaintext", [b"", b"\x00\xff", "密文".encode()])
def test_bytes_are_read_as_they_were_written_and_stored_encrypted(plaintext):
    box = Box.objects.create(secret="x", payload=plaintext)

    read = Box.objects.get(pk=box.pk).payload
    assert (type(read), read) == (bytes, plaintext)
    assert raw(box, "payload").startswith(b"v1:old:")


def test_none_stays_none():
    box = Box.objects.create(secret="x", spare=None, payload=None)

    stored = Box.objects.get(pk=box.pk)
    assert (stored.spare, stored.payload) == (None, None)
    assert list(Box.objects.filter(spare__isnull=True, payload=None)) == [box]


def test_none_in_a_required_column_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        Box.objects.create(secret=None)


def test_the_writer_reads_its_value_before_and_after_saving():
    box = Box(secret="before")
    assert box.secret == "before"

    box.save()

    assert box.secret == "before"


def test_a_changed_value_is_stored():
    box = Box.objects.create(secret="first")

    box.secret = "second"
    box.save()

    assert Box.objects.get(pk=box.pk).secret == "second"


def test_a_value_that_nobody_assigned_is_written_back_as_it_was():
    box = Box.objects.create(secret="x")
    before = raw(box)
    loaded = Box.objects.get(pk=box.pk)

    assert loaded.secret == "x"
    loaded.label = "renamed"
    loaded.save()

    assert raw(box) == before


def test_a_row_read_before_a_rotation_does_not_bring_the_old_key_back(use_keys):
    box = Box.objects.create(secret="x")
    read_before = Box.objects.get(pk=box.pk)
    use_keys("new", "old")

    read_before.save()

    assert raw(box).startswith("v1:new:")
    assert Box.objects.get(pk=box.pk).secret == "x"


def test_a_row_whose_key_is_missing_can_be_saved_and_keeps_its_value(use_keys):
    box = Box.objects.create(secret="x")
    before = raw(box)
    use_keys("new")
    loaded = Box.objects.get(pk=box.pk)

    loaded.label = "renamed"
    loaded.save()

    assert raw(box) == before


def test_an_unreadable_value_is_an_error_and_not_returned(use_keys):
    box = Box.objects.create(secret="x")
    use_keys("new")

    with pytest.raises(DecryptionError, match=f"vault_box.secret of row {box.pk}"):
        _ = Box.objects.get(pk=box.pk).secret


def test_a_value_written_into_the_column_by_hand_is_an_error_and_not_returned():
    box = Box.objects.create(secret="x")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_box SET secret = 'by hand'")

    with pytest.raises(DecryptionError, match="not an encrypted value"):
        _ = Box.objects.get(pk=box.pk).secret


def test_a_thousand_swaps_between_rows_and_columns_are_refused():
    chance = random.Random(7)
    boxes = Box.objects.bulk_create(Box(secret=f"s{n}", spare=f"p{n}") for n in range(40))
    chests = Chest.objects.bulk_create(Chest(secret=f"c{n}") for n in range(20))
    places = [(box, name) for box in boxes for name in ("secret", "spare")] + [
        (chest, "secret") for chest in chests
    ]
    refused = 0

    for _ in range(1000):
        (source, from_column), (target, to_column) = chance.sample(places, 2)
        moved = source.__dict__[from_column]
        with pytest.raises(DecryptionError):
            type(target)._meta.get_field(to_column).decrypt_for(target.pk, moved)
        refused += 1

    assert refused == 1000


def test_two_rows_whose_values_were_exchanged_in_the_database_are_both_unreadable():
    one, two = Box.objects.create(secret="one"), Box.objects.create(secret="two")
    one_stored, two_stored = one.__dict__["secret"], two.__dict__["secret"]
    Box.objects.filter(pk=one.pk).update(secret=two_stored)
    Box.objects.filter(pk=two.pk).update(secret=one_stored)

    for box in Box.objects.all():
        with pytest.raises(DecryptionError):
            _ = box.secret


@pytest.mark.parametrize("is_marked_new", [True, False])
def test_a_row_copied_under_a_new_id_is_refused_instead_of_stored_unreadable(is_marked_new):
    box = Box.objects.create(secret="x")
    box.pk, box._state.adding = new_id(), is_marked_new

    with pytest.raises(DecryptionError), transaction.atomic():
        box.save()

    assert Box.objects.count() == 1


def test_a_deferred_value_is_fetched_when_it_is_read(django_assert_num_queries):
    pk = Box.objects.create(secret="x", label="l").pk

    box = Box.objects.defer("secret").get(pk=pk)
    with django_assert_num_queries(1):
        assert box.secret == "x"
        assert box.secret == "x"

    assert Box.objects.only("label").get(pk=pk).secret == "x"


def test_a_deferred_value_is_not_written_by_save():
    box = Box.objects.create(secret="x")
    loaded = Box.objects.defer("secret").get(pk=box.pk)
    Box.objects.filter(pk=box.pk).update(secret=SECRET_FIELD.encrypt_for(box.pk, "newer"))

    loaded.save()

    assert Box.objects.get(pk=box.pk).secret == "newer"


def test_a_deferred_value_of_a_row_that_is_gone_says_so():
    box = Box.objects.defer("secret").get(pk=Box.objects.create(secret="x").pk)
    Box.objects.all().delete()

    with pytest.raises(Box.DoesNotExist):
        _ = box.secret


def test_refresh_from_db_reads_the_new_value():
    box = Box.objects.create(secret="x")
    Box.objects.filter(pk=box.pk).update(secret=SECRET_FIELD.encrypt_for(box.pk, "newer"))

    box.refresh_from_db()

    assert box.secret == "newer"


def test_update_fields_writes_only_the_named_column():
    box = Box.objects.create(secret="x", spare="y")
    box.secret, box.spare = "x2", "y2"

    box.save(update_fields=["secret"])

    stored = Box.objects.get(pk=box.pk)
    assert (stored.secret, stored.spare) == ("x2", "y")


def test_bulk_create_encrypts_each_value_for_its_row():
    boxes = Box.objects.bulk_create([Box(secret="a", payload=b"1"), Box(secret="b", payload=b"2")])

    stored = Box.objects.in_bulk([box.pk for box in boxes])
    assert [(stored[box.pk].secret, stored[box.pk].payload) for box in boxes] == [("a", b"1"), ("b", b"2")]


@pytest.mark.parametrize(
    "write",
    [
        lambda box: Box.objects.update(secret="plain"),
        lambda box: Box.objects.filter(pk=box.pk).update(payload=b"plain"),
        lambda box: Box.objects.filter(pk=box.pk).update(secret=Value("plain", output_field=SECRET_FIELD)),
        lambda box: Box.objects.bulk_update([box], ["secret"]),
    ],
    ids=["update", "update binary", "Value", "bulk_update"],
)
def test_writing_plaintext_past_the_row_is_refused_with_the_remedy(write):
    box = Box.objects.create(secret="x")
    before = raw(box)

    with pytest.raises(TypeError, match="encrypt_for") as caught, transaction.atomic():
        write(box)

    assert raw(box) == before
    assert "plain" not in str(caught.value).replace("plaintext", "")


@pytest.mark.parametrize(
    "condition",
    [
        {"secret": "x"},
        {"payload": b"x"},
        {"secret__exact": "x"},
        {"secret__in": ["x"]},
        {"secret__startswith": "v1"},
        {"secret__contains": "x"},
        {"secret__gt": "x"},
        {"secret__regex": "."},
        {"secret__iexact": "x"},
    ],
)
def test_comparing_with_plaintext_is_refused_with_the_remedy(condition):
    with pytest.raises(TypeError, match="isnull"):
        list(Box.objects.filter(**condition))


def test_a_value_encrypted_beforehand_can_be_written_by_update_and_read():
    box = Box.objects.create(secret="x", payload=b"1")
    payload: Any = Box._meta.get_field("payload")

    Box.objects.filter(pk=box.pk).update(
        secret=SECRET_FIELD.encrypt_for(box.pk, "y"), payload=payload.encrypt_for(box.pk, b"2")
    )

    stored = Box.objects.get(pk=box.pk)
    assert (stored.secret, stored.payload) == ("y", b"2")


def test_a_stored_value_can_be_compared_with_what_was_read_before():
    box = Box.objects.create(secret="x", payload=b"1")
    as_read = Box.objects.values("secret", "payload").get()

    box.secret = "y"
    box.save()

    assert not Box.objects.filter(secret=as_read["secret"]).exists()
    assert Box.objects.filter(payload=as_read["payload"]).exists()


def test_values_give_ciphertext_that_the_field_decrypts_for_its_row():
    box = Box.objects.create(secret="x")

    value = Box.objects.values_list("secret", flat=True).get()

    assert isinstance(value, Ciphertext)
    assert SECRET_FIELD.decrypt_for(box.pk, value) == "x"
    assert SECRET_FIELD.decrypt_for(str(box.pk).upper(), value.stored) == "x"


def test_a_row_without_an_id_is_refused_with_the_remedy():
    box = Box(secret="x")
    box.pk = None

    with pytest.raises(ValueError, match="set the primary key first"):
        SECRET_FIELD.pre_save(box, add=True)


@pytest.mark.parametrize("value", [5, b"bytes", ["x"], F("label"), Upper("label")])
def test_a_value_of_another_type_is_refused_at_the_assignment_and_not_shown(value):
    box = Box.objects.create(secret="x")

    with pytest.raises(TypeError, match="takes str"):
        box.secret = value

    assert box.secret == "x"


def test_no_plaintext_is_in_the_pickle_of_a_saved_row():
    box = Box.objects.create(secret="canary-secret", payload=b"canary-bytes")
    box.secret = "canary-changed"

    pickled = pickle.dumps(box)

    assert b"canary" not in pickled
    assert pickle.loads(pickled).secret == "canary-changed"


def test_an_unsaved_row_with_plaintext_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Box(secret="canary"))


def test_a_copy_reads_the_same_and_does_not_show_it():
    unsaved, saved = Box(secret="canary"), Box.objects.create(secret="canary")

    for box in (copy.copy(unsaved), copy.deepcopy(unsaved), copy.copy(saved), copy.deepcopy(saved)):
        assert box.secret == "canary"
        assert "canary" not in repr(vars(box))


def test_a_ciphertext_shows_its_key_and_nothing_else():
    stored = Box.objects.create(secret="x").__dict__["secret"]

    assert repr(stored) == "Ciphertext(key_id='old', ***)"
    assert pickle.loads(pickle.dumps(stored)) == stored


def test_a_secret_can_be_assigned_without_unwrapping():
    box = Box.objects.create(secret=Secret("x"))

    assert Box.objects.get(pk=box.pk).secret == "x"


def test_full_clean_keeps_the_value():
    box = Box.objects.create(secret="x", spare="y", label="l")

    box.clean_fields()
    box.save()

    assert Box.objects.get(pk=box.pk).secret == "x"


def test_a_model_form_has_no_encrypted_field():
    assert list(modelform_factory(Box, fields="__all__").base_fields) == ["label"]
    with pytest.raises(FieldError, match="non-editable"):
        modelform_factory(Box, fields=["secret"])


def test_fixtures_do_not_carry_encrypted_fields():
    Box.objects.create(secret="canary")

    with pytest.raises((TypeError, serializers.base.SerializationError), match="not serialized"):
        serializers.serialize("json", Box.objects.all())


@pytest.mark.parametrize(
    "field", [EncryptedTextField(null=True), EncryptedBinaryField(), EncryptedTextField(editable=True)]
)
def test_a_migration_makes_the_same_field_again(field):
    _, path, args, kwargs = field.deconstruct()

    again = type(field)(*args, **kwargs)

    assert path == f"dingtalk.foundation.encrypted_fields.{type(field).__name__}"
    assert (again.editable, again.null) == (field.editable, field.null)
    assert again.deconstruct()[1:] == field.deconstruct()[1:]


def test_the_encrypted_fields_of_a_model_are_found():
    assert [field.name for field in encrypted_fields_of(Box)] == ["secret", "spare", "payload"]


@isolate_apps("tests.support.vault")
def test_a_check_refuses_an_id_made_by_the_database_and_an_index_on_ciphertext():
    class Numbered(models.Model):
        secret = EncryptedTextField(unique=True)

        class Meta:
            app_label = "vault"

        def __str__(self):
            return "numbered"

    assert {message.id for message in Numbered._meta.get_field("secret").check()} == {
        "foundation.E001",
        "foundation.E002",
    }
    assert SECRET_FIELD.check() == []
