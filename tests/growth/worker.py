"""
`python -m tests.growth.worker TENANTS EVENTS TIME [FILL]`: works on one database of one size.

Names its operations with their goals, then answers each line `index times` from stdin with the times in
milliseconds; all as JSON. With FILL it fills the database, prints its size in bytes, and ends.
"""

import json
import sys
import time
from datetime import datetime

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, reset_queries  # noqa: E402

from tests.growth import filling, operations  # noqa: E402


def main() -> None:
    """Fill, or answer until stdin ends."""
    tenants, events, filled_at = int(sys.argv[1]), int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    if sys.argv[4:] == ["FILL"]:
        _fill(tenants=tenants, events=events, filled_at=filled_at)
        return
    place = operations.enter(tenants=tenants, events=events, filled_at=filled_at)
    all_operations = list(operations.operations())
    print(json.dumps([[each.name, each.goal_percent] for each in all_operations]), flush=True)
    for line in sys.stdin:
        index, times = map(int, line.split())
        print(json.dumps(_times(place, all_operations[index], times)), flush=True)


def _fill(*, tenants: int, events: int, filled_at: datetime) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    first, second, client = operations.make_suites_and_client()
    with filling.without_indexes(_tell):
        filling.fill(
            suites=(first.pk, second.pk),
            client=client.pk,
            tenants=tenants,
            events=events,
            now=filled_at,
            tell=_tell,
        )
    filling.vacuum()
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT pg_database_size(current_database())")
        print(cursor.fetchone()[0])


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _times(place: operations.Place, operation: operations.Operation, times: int) -> list[float]:
    found = []
    for _ in range(times):
        prepared = operation.prepare(place)
        reset_queries()
        started = time.perf_counter()
        operation.run(place, prepared)
        found.append(1000 * (time.perf_counter() - started))
    return found


if __name__ == "__main__":
    main()
