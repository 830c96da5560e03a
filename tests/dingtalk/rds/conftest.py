"""A push database as the platform makes it, the platform writing into it, and a suite that reads it."""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from dingtalk.models import PushMode, Suite
from dingtalk.rds.address import read_address
from dingtalk.rds.database import PushDatabase
from dingtalk.rds.reader import RdsReader
from tests.support import mariadb
from tests.support.callbacks import make_suite

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 20, 9, 0, 0)
CORP_ID = "dingcorp00000001"
HIGH, MEDIUM = "open_sync_biz_data", "open_sync_biz_data_medium"
CREATE = """
CREATE TABLE `{table}` (
  `id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `gmt_create` datetime NOT NULL, `gmt_modified` datetime NOT NULL,
  `subscribe_id` varchar(64) NOT NULL, `corp_id` varchar(64) NOT NULL, `biz_id` varchar(128) NOT NULL,
  `biz_type` int NOT NULL, `biz_data` text, `open_cursor` bigint NOT NULL, `status` int NOT NULL,
  UNIQUE KEY `uk` (`subscribe_id`,`corp_id`,`biz_id`,`biz_type`)
) DEFAULT CHARSET=utf8mb4
"""
_names = itertools.count()


class Platform:
    """Writes rows as DingTalk does: the one that has the same key is replaced, and the id is a new one."""

    def __init__(self, url: str, subscribe_id: str) -> None:
        self.url = url
        self.subscribe_id = subscribe_id
        self.port = int(urlsplit(url).port or 0)
        self.database = urlsplit(url).path.removeprefix("/")

    def execute(self, statement: str, values: Any = ()) -> list[dict[str, Any]]:
        with mariadb.root(self.port, self.database) as execute:
            return execute(statement, values)

    def create_tables(self) -> None:
        for table in (HIGH, MEDIUM):
            self.execute(CREATE.format(table=table))

    def write(
        self,
        biz_id: str,
        data: dict[str, Any] | str | None = None,
        *,
        seconds: float = 0,
        table: str = HIGH,
        connection: Any = None,
        **columns: Any,
    ) -> dict[str, Any]:
        """Write a row; with `connection` as a part of its transaction."""
        if data is None or isinstance(data, dict):
            data = json.dumps({"syncAction": "noted", "name": biz_id, **(data or {})}, ensure_ascii=False)
        moment = MORNING + timedelta(seconds=seconds)
        row = {
            "gmt_create": moment,
            "gmt_modified": moment,
            "subscribe_id": self.subscribe_id,
            "corp_id": CORP_ID,
            "biz_id": biz_id,
            "biz_type": 7,
            "biz_data": data,
            "open_cursor": 0,
            "status": 0,
            **columns,
        }
        names = ", ".join(f"`{name}`" for name in row)
        places = ", ".join(["%s"] * len(row))
        statement = f"REPLACE INTO `{table}` ({names}) VALUES ({places})"
        if connection is None:
            self.execute(statement, tuple(row.values()))
        else:
            with connection.cursor() as cursor:
                cursor.execute(statement, tuple(row.values()))
        return row


@pytest.fixture
def suite(db: None) -> Suite:
    """A suite that gets its events by RDS."""
    return make_suite(push_mode=PushMode.RDS)


@pytest.fixture
def platform(suite: Suite) -> Iterator[Platform]:
    """The platform, with its two tables."""
    with mariadb.push_database(f"push_{next(_names)}") as url:
        platform = Platform(url, f"{suite.suite_id}_0")
        platform.create_tables()
        yield platform


class Reading:
    """Readers of the push database; `again` begins with a fresh one, as a new process does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.readers: list[RdsReader] = []
        self.reader = self.new_reader()

    def new_reader(self) -> RdsReader:
        reader = RdsReader(PushDatabase(read_address(self.url)), zone=SHANGHAI)
        self.readers.append(reader)
        return reader

    def all(self) -> None:
        """Read until there is nothing more at once."""
        while self.reader.run_once():
            pass
        assert not self.reader.is_failing

    def again(self) -> None:
        """End the reader, and read with a new one."""
        self.reader.close()
        self.reader = self.new_reader()
        self.all()

    def close(self) -> None:
        for reader in self.readers:
            reader.close()


@pytest.fixture
def reading(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    """A reader that looks back at every turn."""
    monkeypatch.setattr("dingtalk.rds.table_reader.OVERLAP_SECONDS", -1.0)
    monkeypatch.setattr("dingtalk.rds.table_reader.SWEEP_SECONDS", -1.0)
    reading = Reading(platform.url)
    yield reading
    reading.close()
