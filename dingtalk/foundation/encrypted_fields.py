"""
Model fields whose column holds ciphertext and whose attribute is the plaintext.

    class Suite(models.Model):
        id = models.UUIDField(primary_key=True, default=new_id, editable=False)
        suite_secret = EncryptedTextField()

A value is bound to its table, column and row id (see `keyring`). That has consequences:

- The primary key must be set before the row is saved: use `default=new_id`.
- `QuerySet.update(suite_secret="x")`, `bulk_update` and filters know no row and are refused. Write
  `field.encrypt_for(pk, "x")` instead; compare with nothing but `isnull`, or with a `Ciphertext`
  that was read before (a conditional update).
- `bulk_create(update_conflicts=True)` must not list an encrypted field: the value on its way is bound
  to the id of the row that was not created.
- `values()` and `values_list()` give `Ciphertext`.
- A column added to an existing table must be `null=True`; renaming a table or an encrypted column
  needs a data migration that encrypts again.
- Fixtures (`dumpdata`, `loaddata`) do not carry encrypted fields; back up the database instead.
"""

from dataclasses import dataclass
from typing import Any, NoReturn, cast

from django.core import checks
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.keyring import DecryptionError, Place, active_keyring, key_id_of
from dingtalk.foundation.secret import MASK, Secret


@dataclass(frozen=True, slots=True, repr=False)
class Ciphertext:
    """
    A value as its column holds it: `stored` is str in a text column, bytes in a binary one.

    Two are equal when they are the same stored value; the same plaintext encrypted twice is not.
    """

    stored: str | bytes

    @property
    def key_id(self) -> str | None:
        """The id of the key that encrypted it, or None when it is not in our format."""
        return key_id_of(self.stored)

    def __repr__(self) -> str:
        return f"Ciphertext(key_id={self.key_id!r}, {MASK})"


class EncryptedAttribute(DeferredAttribute):
    """
    Read the plaintext, keep the ciphertext.

    The instance's `__dict__` holds a `Ciphertext`, which each read decrypts (about 2 µs), so that a copied,
    pickled or cached instance carries no plaintext. Only before a new row is saved does it hold
    the plaintext, in a `Secret`, which cannot be pickled.
    """

    field: "EncryptedField"

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        held = self.held_by(instance)
        if isinstance(held, Ciphertext):
            return self.field.decrypt_for(instance.pk, held.stored)
        return held.reveal() if isinstance(held, Secret) else held

    def __set__(self, instance: models.Model, value: Any) -> None:
        held = self.field.checked(value)
        if isinstance(held, Secret) and not instance._state.adding:
            held = self.field.encrypt_for(instance.pk, held.reveal())
        instance.__dict__[self.field.attname] = held

    def held_by(self, instance: models.Model) -> Ciphertext | Secret[Any] | None:
        """Return what the instance holds, fetched from the database when it was deferred."""
        data = instance.__dict__
        name = self.field.attname
        if name not in data:
            # Model.refresh_from_db would decrypt it and assign the plaintext.
            rows = type(instance)._base_manager.db_manager(instance._state.db, hints={"instance": instance})
            data[name] = rows.values_list(name, flat=True).get(pk=instance.pk)
        return cast("Ciphertext | Secret[Any] | None", data[name])


class EncryptedField(models.Field):
    """What both encrypted fields share; use one of the two below."""

    descriptor_class = EncryptedAttribute
    plaintext_type: type[str] | type[bytes]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        if self.editable:
            kwargs["editable"] = True
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_row_id(), *self._check_never_compared()]

    def encrypt_for(self, pk: Any, plaintext: str | bytes) -> Ciphertext:
        """Encrypt under the first key for this column in the row with that primary key."""
        checked = self.checked(plaintext)
        if not isinstance(checked, Secret):
            raise TypeError(
                f"{self} encrypts {self.plaintext_type.__name__}, not {type(plaintext).__name__}."
            )
        return self._encrypted(checked.reveal(), self._place(pk))

    def decrypt_for(self, pk: Any, stored: Any) -> Any:
        """Decrypt what this column holds in the row with that primary key; raises DecryptionError."""
        if isinstance(stored, Ciphertext):
            stored = stored.stored
        return self._decrypted(stored, self._place(pk))

    def checked(self, value: Any) -> Ciphertext | Secret[Any] | None:
        """Return what an instance may hold for a value that was assigned to it."""
        if value is None or isinstance(value, Ciphertext):
            return value
        plaintext = value.reveal() if isinstance(value, Secret) else value
        if isinstance(plaintext, bytearray | memoryview):
            plaintext = bytes(plaintext)
        if not isinstance(plaintext, self.plaintext_type):
            raise TypeError(f"{self} takes {self.plaintext_type.__name__}, not {type(plaintext).__name__}.")
        return Secret(plaintext)

    def pre_save(self, model_instance: models.Model, add: bool) -> Ciphertext | None:
        """Return what to store, and leave it on the instance in place of the plaintext."""
        attribute: EncryptedAttribute = getattr(type(model_instance), self.attname)
        held = attribute.held_by(model_instance)
        if isinstance(held, Secret):
            held = self.encrypt_for(model_instance.pk, held.reveal())
        elif isinstance(held, Ciphertext):
            held = self._kept(held, model_instance.pk, is_new=add)
        model_instance.__dict__[self.attname] = held
        return held

    def from_db_value(self, value: Any, _expression: object, _connection: object) -> Ciphertext | None:
        return None if value is None else Ciphertext(self._as_stored(value))

    def get_prep_value(self, value: Any) -> Any:
        """Let through a Ciphertext or None; raises TypeError for plaintext."""
        if value is None:
            return None
        if isinstance(value, Ciphertext):
            return value.stored
        raise TypeError(
            f"{self} is encrypted for one row: assign the plaintext to the attribute and save(), or write "
            f"field.encrypt_for(pk, plaintext). It is never compared with plaintext, only by isnull."
        )

    def get_lookup(self, lookup_name: str) -> Any:
        """Offer isnull, and exact (whose value get_prep_value wants to be a Ciphertext)."""
        if lookup_name not in {"isnull", "exact"}:
            raise TypeError(f"{self} is encrypted: it has no lookup {lookup_name!r}, only isnull.")
        return super().get_lookup(lookup_name)

    def value_to_string(self, _obj: models.Model) -> NoReturn:
        raise TypeError(f"{self} is encrypted: it is not serialized. Back up the database instead.")

    def _kept(self, held: Ciphertext, pk: Any, *, is_new: bool) -> Ciphertext:
        """
        Return the stored value to write for one that was read and not assigned since.

        As it is, except under an old key: a row read before a rotation and saved whole after it would
        bring the old key back. A new row must be able to read it (a copy under a new id can not).
        """
        if is_new:
            self.decrypt_for(pk, held.stored)
        if held.key_id == active_keyring().primary_id:
            return held
        try:
            return self.encrypt_for(pk, self.decrypt_for(pk, held.stored))
        except DecryptionError:
            # The other columns of the row can still be saved, and a key that returns can still read it.
            return held

    def _place(self, pk: Any) -> Place:
        meta = self.model._meta
        if pk is None:
            raise ValueError(f"{self} is bound to its row: set the primary key first (default=new_id).")
        return Place(table=meta.db_table, column=str(self.column), row_id=str(meta.pk.to_python(pk)))

    def _encrypted(self, plaintext: Any, place: Place) -> Ciphertext:
        raise NotImplementedError

    def _decrypted(self, stored: Any, place: Place) -> Any:
        raise NotImplementedError

    def _as_stored(self, value: Any) -> str | bytes:
        raise NotImplementedError

    def _check_row_id(self) -> list[checks.CheckMessage]:
        if not isinstance(self.model._meta.pk, models.AutoField):
            return []
        hint = "Use UUIDField(primary_key=True, default=new_id, editable=False)."
        message = "The primary key is made by the database, too late to bind an encrypted value to it."
        return [checks.Error(message, hint=hint, obj=self, id="foundation.E001")]

    def _check_never_compared(self) -> list[checks.CheckMessage]:
        indexed = self.unique or getattr(self, "db_index", False)
        if not (indexed or self.has_db_default()):
            return []
        message = "An encrypted field has no unique, db_index, primary_key or db_default."
        return [checks.Error(message, obj=self, id="foundation.E002")]


class EncryptedTextField(EncryptedField, models.TextField):
    """A str attribute in an encrypted text column."""

    description = _("Encrypted text")
    plaintext_type = str

    def _encrypted(self, plaintext: str, place: Place) -> Ciphertext:
        return Ciphertext(active_keyring().encrypt_text(plaintext, place))

    def _decrypted(self, stored: str, place: Place) -> str:
        return active_keyring().decrypt_text(stored, place)

    def _as_stored(self, value: str) -> str:
        return value


class EncryptedBinaryField(EncryptedField, models.BinaryField):
    """A bytes attribute in an encrypted binary column."""

    description = _("Encrypted bytes")
    plaintext_type = bytes
    # For the type checker: what the attribute gives, which for a plain BinaryField may be a memoryview.
    _pyi_private_get_type: bytes

    def _encrypted(self, plaintext: bytes, place: Place) -> Ciphertext:
        return Ciphertext(active_keyring().encrypt_bytes(plaintext, place))

    def _decrypted(self, stored: bytes | memoryview, place: Place) -> bytes:
        return active_keyring().decrypt_bytes(bytes(stored), place)

    def _as_stored(self, value: bytes | memoryview) -> bytes:
        return bytes(value)


def encrypted_fields_of(model: type[models.Model]) -> list[EncryptedField]:
    """Return the encrypted fields of a model, in the order of its columns."""
    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedField)]
