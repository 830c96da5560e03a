"""
RDS mode: the rows of a push, written into the ISV's MySQL database instead of being sent.

A row replaces the one with the same key and gets a new id, as on the platform. Times have whole seconds and
no zone: they are those of Shanghai. Sources: `configure-rds-push-table`, `development-data-format-help`
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pymysql

from dingtalk.simulator.delivery import UNREACHABLE, RawReply, Verdict
from dingtalk.simulator.faults import Fault, FaultKind

NO_DATABASE = "71011 no push database is set"
NO_ROWS = "71010 not rows of a push table"
TABLES = {
    "SYNC_HTTP_PUSH_HIGH": "open_sync_biz_data",
    "SYNC_HTTP_PUSH_MEDIUM": "open_sync_biz_data_medium",
}
_COLUMNS = (
    *("gmt_create", "gmt_modified", "subscribe_id", "corp_id", "biz_id", "biz_type", "biz_data"),
    *("open_cursor", "status"),
)
_KEY = ("subscribe_id", "corp_id", "biz_id", "biz_type")
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_TIMEOUT_SECONDS = 5
_CREATE = """
CREATE TABLE IF NOT EXISTS `{table}` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `gmt_create` datetime NOT NULL,
  `gmt_modified` datetime NOT NULL,
  `subscribe_id` varchar(64) NOT NULL,
  `corp_id` varchar(64) NOT NULL,
  `biz_id` varchar(128) NOT NULL,
  `biz_type` int NOT NULL,
  `biz_data` text NOT NULL,
  `open_cursor` bigint NOT NULL,
  `status` int NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uk_biz` (`subscribe_id`, `corp_id`, `biz_id`, `biz_type`)
) DEFAULT CHARSET=utf8mb4
"""


class RowWriter:
    """Writes rows in the order in which they are given; `url`: mysql://user:password@host:port/name."""

    def __init__(self, url: str) -> None:
        self._url = url
        # One thread: the rows of two pushes keep their order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rds-rows")

    async def deliver(self, document: dict[str, Any], fault: Fault | None) -> tuple[RawReply, Verdict]:
        """Write the rows of a push, and say how it went as if it had been sent."""
        if fault is not None and fault.kind is FaultKind.RESET:
            return _failed(f"{UNREACHABLE}: lost on the way")
        if fault is not None and fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        started = time.monotonic()
        failure = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, document)
        if failure:
            return _failed(failure)
        if fault is not None and fault.kind is FaultKind.DROP_ANSWER:
            return _failed(f"{UNREACHABLE}: the answer was lost")
        elapsed_ms = round((time.monotonic() - started) * 1000, 1)
        return RawReply(elapsed_ms, http_status=200), Verdict(True, "ok")

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _write(self, document: dict[str, Any]) -> str:
        """Write all rows in one transaction; returns what went wrong, or nothing."""
        try:
            connection = self._connect()
            try:
                self._replace(connection, document)
            finally:
                connection.close()
        except (pymysql.MySQLError, OSError) as error:
            return f"{UNREACHABLE}: {type(error).__name__}"
        except (KeyError, TypeError, ValueError) as error:
            return f"{NO_ROWS}: {type(error).__name__}"
        return ""

    def _replace(self, connection: Any, document: dict[str, Any]) -> None:
        table = TABLES[document["EventType"]]
        same_key = " AND ".join(f"`{name}` = %s" for name in _KEY)
        names = ", ".join(f"`{name}`" for name in _COLUMNS)
        places = ", ".join(["%s"] * len(_COLUMNS))
        with connection.cursor() as cursor:
            for each in TABLES.values():
                cursor.execute(_CREATE.format(table=each))
            for row in document["bizData"]:
                values = _values(row)
                cursor.execute(
                    f"DELETE FROM `{table}` WHERE {same_key}",  # noqa: S608 - names of ours only
                    [values[name] for name in _KEY],
                )
                cursor.execute(
                    f"INSERT INTO `{table}` ({names}) VALUES ({places})",  # noqa: S608 - names of ours only
                    [values[name] for name in _COLUMNS],
                )
        connection.commit()

    def _connect(self) -> Any:
        parts = urlsplit(self._url)
        return pymysql.connect(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.removeprefix("/")),
            charset="utf8mb4",
            connect_timeout=_TIMEOUT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS,
            write_timeout=_TIMEOUT_SECONDS,
        )


def no_database() -> tuple[RawReply, Verdict]:
    """How a push ends while the simulator was given no database."""
    return _failed(NO_DATABASE)


def _failed(reason: str) -> tuple[RawReply, Verdict]:
    return RawReply(0.0, failure=reason), Verdict(False, reason)


def _values(row: dict[str, Any]) -> dict[str, Any]:
    times = {
        name: datetime.fromtimestamp(row[name] // 1000, _SHANGHAI).replace(tzinfo=None)
        for name in ("gmt_create", "gmt_modified")
    }
    return {**row, **times}
