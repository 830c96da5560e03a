"""How the connections of all suites of Stream mode are doing, for people and programs."""

from dataclasses import dataclass
from datetime import datetime

from dingtalk.models import ConnectionState, PushMode, StreamConnection, Suite
from dingtalk.stream.leadership import with_liveness


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One suite's connection. `state`: `stopped` too when the process that held it is gone."""

    suite_key: str
    name: str
    state: str
    holder: str
    connected_since: datetime | None
    last_frame_at: datetime | None
    last_error: str
    last_error_at: datetime | None


def connection_statuses() -> list[ConnectionStatus]:
    """Return one entry per suite whose push mode is Stream, also for one that was never connected."""
    rows = {row.pk: row for row in with_liveness(StreamConnection.objects.all())}
    suites = Suite.objects.filter(push_mode=PushMode.STREAM).only("name", "suite_key")
    return [_status(suite, rows.get(suite.pk) or StreamConnection(suite=suite)) for suite in suites]


def _status(suite: Suite, row: StreamConnection) -> ConnectionStatus:
    is_held = getattr(row, "is_held", False)
    return ConnectionStatus(
        suite_key=suite.suite_key,
        name=suite.name,
        state=str(row.state if is_held else ConnectionState.STOPPED),
        holder=row.holder if is_held else "",
        connected_since=row.connected_since if is_held else None,
        last_frame_at=row.last_frame_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
    )
