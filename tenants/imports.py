"""
Taking over companies that authorised a suite before this portal existed.

First every row is checked, and nothing is written while one is wrong; then all are, in one transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from dingtalk.foundation import audit
from dingtalk.models import Suite
from tenants.identifiers import is_corp_id, is_permanent_code
from tenants.import_files import ImportRow
from tenants.models import Tenant
from tenants.services import import_tenant

# One question to the database asks for so many companies.
_CHUNK = 500


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row, in which column. Shows nothing of a permanent code."""

    row: int
    column: str
    message: str


@dataclass(frozen=True)
class ImportEntry:
    """A row that can be imported. `is_known`: it is a tenant already, and gets the permanent code."""

    row: int
    suite: Suite
    corp_id: str
    permanent_code: str = field(repr=False)
    is_known: bool = False


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do: `entries` are written only when there are no `problems`."""

    entries: list[ImportEntry]
    problems: list[RowProblem]

    @property
    def known(self) -> int:
        """How many companies are tenants already."""
        return sum(entry.is_known for entry in self.entries)


def plan_import(rows: Iterable[ImportRow]) -> ImportPlan:
    """Check every row against our suites, against each other, and against the tenants that there are."""
    suites = _SuiteFinder(Suite.objects.all())
    entries: list[ImportEntry] = []
    problems: list[RowProblem] = []
    first_rows: dict[tuple[Any, str], int] = {}
    for row in rows:
        suite = suites.find(row.suite)
        found = list(_problems_of(row, suites))
        if suite is None or found:
            problems += found
            continue
        first = first_rows.setdefault((suite.pk, row.corp_id), row.number)
        if first == row.number:
            entries.append(ImportEntry(row.number, suite, row.corp_id, row.permanent_code))
        else:
            message = _("The same company as in row %(row)s.") % {"row": first}
            problems.append(RowProblem(row.number, "corp_id", message))
    return ImportPlan(entries=_with_known_ones(entries), problems=problems)


@transaction.atomic
def carry_out(
    plan: ImportPlan,
    *,
    now: datetime,
    actor: audit.Actor,
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """
    Import all entries of a plan without problems, or none; return how many.

    `progress` is told how many are done. Raises ValueError for a plan with problems.
    """
    if plan.problems:
        raise ValueError("An import with wrong rows is not carried out.")
    for done, entry in enumerate(plan.entries, start=1):
        import_tenant(suite=entry.suite, corp_id=entry.corp_id, permanent_code=entry.permanent_code, now=now)
        progress(done)
    suites = Counter(entry.suite.suite_key for entry in plan.entries)
    details = {"tenants": len(plan.entries), "known_before": plan.known, "by_suite": dict(suites)}
    audit.record(action="tenant.import", actor=actor, target=None, details=details, now=now)
    return len(plan.entries)


class _SuiteFinder:
    """Finds a suite by its key, or by its id where that is the id of one suite only."""

    def __init__(self, suites: Iterable[Suite]) -> None:
        known = list(suites)
        self._by_key = {suite.suite_key: suite for suite in known}
        self._by_id: dict[str, list[Suite]] = {}
        for suite in known:
            if suite.suite_id:
                self._by_id.setdefault(suite.suite_id, []).append(suite)

    def find(self, name: str) -> Suite | None:
        with_id = self._by_id.get(name, [])
        return self._by_key.get(name) or (with_id[0] if len(with_id) == 1 else None)

    def is_ambiguous(self, name: str) -> bool:
        return name not in self._by_key and len(self._by_id.get(name, [])) > 1


def _problems_of(row: ImportRow, suites: _SuiteFinder) -> Iterator[RowProblem]:
    if row.damage:
        yield RowProblem(row.number, "", row.damage)
        return
    if suites.is_ambiguous(row.suite):
        yield RowProblem(row.number, "suite", _("Several suites have this id: give the key."))
    elif suites.find(row.suite) is None:
        yield RowProblem(row.number, "suite", _("No such suite."))
    if not is_corp_id(row.corp_id):
        message = _("Expected 1 to 64 visible ASCII characters, no slash, no percent sign.")
        yield RowProblem(row.number, "corp_id", message)
    if not is_permanent_code(row.permanent_code):
        message = _("Expected 1 to 256 visible ASCII characters.")
        yield RowProblem(row.number, "permanent_code", message)


def _with_known_ones(entries: list[ImportEntry]) -> list[ImportEntry]:
    known = set()
    for start in range(0, len(entries), _CHUNK):
        corp_ids = [entry.corp_id for entry in entries[start : start + _CHUNK]]
        tenants = Tenant.objects.filter(corp__corp_id__in=corp_ids)
        known |= set(tenants.values_list("suite_id", "corp__corp_id"))
    return [
        ImportEntry(
            entry.row,
            entry.suite,
            entry.corp_id,
            entry.permanent_code,
            (entry.suite.pk, entry.corp_id) in known,
        )
        for entry in entries
    ]
