"""
Reading a file of companies to take over: CSV or JSON, with suite, corp_id and permanent_code.

CSV: UTF-8 with or without a byte order mark, a header line. JSON: a list of objects. Rows are numbered as
a person counts them: in CSV the header is row 1, in JSON the first object is.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

COLUMNS = ("suite", "corp_id", "permanent_code")
_HEADER = ",".join(COLUMNS)
CSV, JSON = "csv", "json"
FORMATS = (CSV, JSON)


class UnreadableFile(Exception):
    """The file as a whole cannot be read; says why, and shows nothing of its content."""


@dataclass(frozen=True)
class ImportRow:
    """One row as it was read. `suite` is a suite key or a suite id; `damage` says why there is nothing."""

    number: int
    suite: str = ""
    corp_id: str = ""
    permanent_code: str = field(default="", repr=False)
    damage: str = ""


def read_rows(content: bytes, *, file_format: str) -> list[ImportRow]:
    """Read a whole file; raises UnreadableFile."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(_("The file is not UTF-8 text.")) from error
    rows = list(_read_json(text) if file_format == JSON else _read_csv(text))
    if not rows:
        raise UnreadableFile(_("The file has no rows."))
    return rows


def format_of(file_name: str) -> str:
    """Return the format that a file's name stands for: JSON for .json, else CSV."""
    return JSON if file_name.lower().endswith(".json") else CSV


def _read_csv(text: str) -> Iterator[ImportRow]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if sorted(header) != sorted(COLUMNS):
            raise UnreadableFile(_("The first line must be the header %(header)s.") % {"header": _HEADER})
        for number, values in enumerate(reader, start=2):
            if not any(value.strip() for value in values):
                continue
            if len(values) == len(header):
                yield _row(number, dict(zip(header, values, strict=True)))
            else:
                damage = _("%(found)s values instead of %(expected)s.")
                yield ImportRow(number, damage=damage % {"found": len(values), "expected": len(header)})
    except csv.Error as error:
        raise UnreadableFile(_("Line %(line)s is not CSV.") % {"line": reader.line_num}) from error


def _read_json(text: str) -> Iterator[ImportRow]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(_("The file is not JSON.")) from error
    if not isinstance(items, list):
        raise UnreadableFile(_("The file must hold a list of objects."))
    for number, item in enumerate(items, start=1):
        if isinstance(item, dict) and set(item) == set(COLUMNS):
            yield _row(number, item)
        else:
            damage = _("Not an object with %(columns)s and nothing else.")
            yield ImportRow(number, damage=damage % {"columns": ", ".join(COLUMNS)})


def _row(number: int, values: dict[str, Any]) -> ImportRow:
    texts = {name: _text(values[name]) for name in COLUMNS}
    return ImportRow(number=number, **texts)


def _text(value: Any) -> str:
    """Return a value as text: suite ids are often written as numbers; anything else odd becomes empty."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value) if value < 10**30 else ""
    return value.strip() if isinstance(value, str) else ""
