"""PostgreSQL and Redis of one world: durable or forgetful as in earnest, and killed at will."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from tests.support import services

START_SECONDS = 30.0
Note = Callable[[str], None]


class _Server:
    """One server program in a group of its own, its output in `log`."""

    name = ""

    def __init__(self, *, note: Note) -> None:
        self.folder = services.new_folder(self.name)
        self.port = services.free_port()
        self._note = note
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is there; it may be starting, or frozen."""
        return self._popen is not None and self._popen.poll() is None

    def kill(self) -> None:
        """End it at once, with all its processes."""
        self._note(f"kill -9 {self.name}")
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: it accepts connections and never answers."""
        self._note(f"SIGSTOP {self.name}")
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._note(f"SIGCONT {self.name}")
        self._signal_all(signal.SIGCONT)

    def start(self) -> None:
        """Start it on the same port and wait until it answers."""
        self._note(f"start {self.name}")
        user = self._user()
        with (self.folder / "log").open("ab") as log:
            self._popen = subprocess.Popen(
                [str(part) for part in self._command()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                **services.identity_of(user),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                log_text = (self.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"{self.name} did not start:\n{log_text[-4000:]}")
            time.sleep(0.02)

    def close(self) -> None:
        """End it for good."""
        if self.is_running:
            self._end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._popen is not None and self.is_running:
            self._signal_all(number)
            self._popen.wait(timeout=START_SECONDS)

    def _signal_all(self, number: signal.Signals) -> None:
        """Signal the process and those that it started: PostgreSQL's have groups of their own."""
        for pid in (self.pid, *children_of(self.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _user(self) -> str | None:
        return None

    def _command(self) -> list[object]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class PostgresqlServer(_Server):
    """A durable PostgreSQL whose data survive every end of it."""

    name = "postgresql"

    def __init__(self, *, note: Note, options: tuple[str, ...] = (), place: Path | None = None) -> None:
        """`options`: further settings, `name=value`. `place`: a folder for the data."""
        super().__init__(note=note)
        self._options = options
        self._binaries = services.postgresql_binaries(self.folder)
        self.data = (place or self.folder) / "data"
        if user := self._user():
            shutil.chown(self.folder, user)
            shutil.chown(self.data.parent, user)
        services.run(
            [
                *(self._binaries / "initdb", "-D", self.data, "-U", "postgres"),
                *("--auth=trust", "--encoding=UTF8", "--no-sync"),
            ],
            self._user(),
        )

    @property
    def url(self) -> str:
        """The URL of its database, past any proxy."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def program(self, name: str) -> Path:
        """Return one of the programs that belong to this server, `pg_dump` for example."""
        return self._binaries / name

    def stop_immediately(self) -> None:
        """Do what `pg_ctl stop -m immediate` does: no checkpoint, recovery at the next start."""
        self._note("stop -m immediate postgresql")
        assert self._popen is not None
        os.kill(self.pid, signal.SIGQUIT)
        self._popen.wait(timeout=START_SECONDS)

    def restart(self) -> None:
        """Restart it in an orderly way: connections are ended, everything is written."""
        self._note("restart -m fast postgresql")
        assert self._popen is not None
        os.kill(self.pid, signal.SIGINT)
        self._popen.wait(timeout=START_SECONDS)
        self.start()

    def kill_backend(self, choose: Callable[[list[int]], int]) -> None:
        """Kill one process that serves a client: the server then ends all others and recovers."""
        with self.connect() as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            backends = sorted(int(row[0]) for row in found)
        if backends:
            self._note("kill -9 a backend of postgresql")
            with contextlib.suppress(ProcessLookupError):
                os.kill(choose(backends), signal.SIGKILL)

    def wait_until_it_answers(self, within: float = START_SECONDS) -> None:
        """Wait for the end of a recovery."""
        deadline = time.monotonic() + within
        while not self._answers():
            assert time.monotonic() < deadline, "PostgreSQL did not recover"
            time.sleep(0.02)

    def connect(self) -> psycopg.Connection:
        """Connect past any proxy, for a look or a lock."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5)

    def _user(self) -> str | None:
        return services.unprivileged_user()

    def _command(self) -> list[object]:
        settings = ["max_connections=200", *self._options]
        given = [part for setting in settings for part in ("-c", setting)]
        where = ["-D", self.data, "-h", "127.0.0.1", "-p", self.port, "-k", self.folder]
        return [self._binaries / "postgres", *where, *given]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(_Server):
    """A Redis that keeps nothing: after an end it is empty."""

    name = "redis"

    @property
    def url(self) -> str:
        """Its URL, past any proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Remove everything."""
        self._note("FLUSHALL redis")
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def limit_memory(self, maximum: str) -> None:
        """Refuse writes above so much memory (`1mb`, `0`: no limit)."""
        self._note(f"maxmemory {maximum} noeviction redis")
        with redis.Redis.from_url(self.url) as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", maximum)

    def _command(self) -> list[object]:
        return services.redis_command(self.folder, self.port)

    def _answers(self) -> bool:
        return services.redis_answers(self.port)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started itself."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]
