"""
Moving stored values from old keys to the first one.

There is no state besides the rows: what is under the first key is done, so a run that was cut off is
simply started again. A value is replaced only where it still is what was read, so that what others write
meanwhile is never overwritten.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.apps import apps
from django.db import models

from dingtalk.foundation.encrypted_fields import Ciphertext, EncryptedField, encrypted_fields_of
from dingtalk.foundation.keyring import DecryptionError, active_keyring

BATCH_ROWS = 500
# How often a row is read again when somebody else changes it between our reading and writing.
ATTEMPTS = 3
# Per model; the count of rows is exact, the list is for a first look.
LISTED_PROBLEMS = 20


@dataclass(slots=True)
class ModelReport:
    """What was found and done for one model, in rows."""

    model: str
    total: int
    seen: int = 0
    rotated: int = 0
    left: int = 0
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every row seen is readable and under the first key."""
        return not (self.left or self.unreadable)

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)


Progress = Callable[[ModelReport], None]


def encrypted_models() -> list[type[models.Model]]:
    """Return each model whose own table has encrypted columns."""
    candidates = (model for model in apps.get_models() if model._meta.managed and not model._meta.proxy)
    return [model for model in candidates if _own_encrypted_fields(model)]


def rotate_model(
    model: type[models.Model], *, dry_run: bool = False, progress: Progress | None = None
) -> ModelReport:
    """
    Encrypt the model's values under the first key, and check that each can be read.

    With `dry_run` nothing is written and `left` counts the rows that a run would rotate. `progress` is
    called after each batch.
    """
    report = ModelReport(model=model._meta.label, total=model._base_manager.count())
    for batch in _batches(model):
        for row in batch:
            report.seen += 1
            _rotate_row(model, row, report, dry_run=dry_run)
        if progress is not None:
            progress(report)
    return report


def rows_by_key_id(model: type[models.Model]) -> Counter[str]:
    """Count how many rows of the model need each key; "?" for values that are not in our format."""
    uses: Counter[str] = Counter()
    for batch in _batches(model):
        for row in batch:
            uses.update({value.key_id or "?" for value in row.values() if isinstance(value, Ciphertext)})
    return uses


def _own_encrypted_fields(model: type[models.Model]) -> list[EncryptedField]:
    return [column for column in encrypted_fields_of(model) if column.model is model]


def _batches(model: type[models.Model]) -> Iterator[list[dict[str, Any]]]:
    names = [column.attname for column in _own_encrypted_fields(model)]
    rows = model._base_manager.order_by("pk").values("pk", *names)
    batch = list(rows[:BATCH_ROWS])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1]["pk"])[:BATCH_ROWS])


def _rotate_row(
    model: type[models.Model], row: dict[str, Any], report: ModelReport, *, dry_run: bool
) -> None:
    for _ in range(ATTEMPTS):
        replacements, problems = _examined(model, row)
        if dry_run or not replacements:
            break
        if _replaced(model, row, replacements):
            report.rotated += 1
            replacements = {}
            break
        changed = model._base_manager.filter(pk=row["pk"]).values(*row).first()
        if changed is None:
            return
        row = changed
    report.left += bool(replacements)
    report.unreadable += bool(problems)
    report.problems += problems[: LISTED_PROBLEMS - len(report.problems)]


def _examined(model: type[models.Model], row: dict[str, Any]) -> tuple[dict[str, Ciphertext], list[str]]:
    """Return what to put in place of the row's values under old keys, and what could not be read."""
    replacements: dict[str, Ciphertext] = {}
    problems: list[str] = []
    for column in _own_encrypted_fields(model):
        value = row[column.attname]
        if value is None:
            continue
        try:
            plaintext = column.decrypt_for(row["pk"], value)
        except DecryptionError as error:
            problems.append(str(error))
            continue
        if value.key_id != active_keyring().primary_id:
            replacements[column.attname] = column.encrypt_for(row["pk"], plaintext)
    return replacements, problems


def _replaced(model: type[models.Model], row: dict[str, Any], replacements: dict[str, Ciphertext]) -> bool:
    as_read = {name: row[name] for name in replacements}
    return bool(model._base_manager.filter(pk=row["pk"], **as_read).update(**replacements))
