"""
The whole portal as processes, each on its own, on a PostgreSQL and a Redis of their own that can be killed.

See the package's docstring for what scenarios do with it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy
from tests.faults.registry import WorldOptions
from tests.faults.servers import PostgresqlServer, RedisServer, children_of
from tests.faults.small_disk import SmallDisk
from tests.faults.supervisor import Supervisor
from tests.journeys.operator import Operator
from tests.journeys.processes import Process, eventually
from tests.journeys.stack import LEGACY, SEED, SYNC_HTTP, Stack

READY_SECONDS = 60.0
START_TO_WORK_SECONDS = 10.0
SUITES = (SYNC_HTTP, LEGACY)
LEASED_TABLES = ("tenants_tenant", "tenants_accesstoken", "dingtalk_receivedevent")
_ENVIRONMENT = {
    # The simulator has no limits here, and a run does in two minutes what a suite has in a day.
    "DINGTALK_CALLS_PER_SECOND": "0",
    "DINGTALK_CALLS_PER_20_SECONDS": "0",
    "DINGTALK_CALLS_PER_SECOND_PER_API": "0",
    "API_REQUESTS_PER_MINUTE": "0",
}


class World:
    """
    Make one, `start` it, and `close` it whatever happened.

    `disk`: the small file system that the database has to itself, where the scenario asks for one.
    """

    disk: SmallDisk | None = None

    def __init__(self, folder: Path, options: WorldOptions | None = None) -> None:
        self.options = options or WorldOptions()
        self.folder = folder
        self.faults = Ledger(folder / "faults.jsonl")
        self._numbers = 0
        self._others: list[str] = []
        self._proxies: dict[str, Proxy] = {}
        self._servers: list[PostgresqlServer | RedisServer] = []
        self.app_key = ""

    def start(self) -> "World":
        """Start everything, and have an operator register the suites and make an app's key."""
        try:
            self._start_servers()
            self.stack = self._make_stack()
            self.supervisor = Supervisor(self.stack.processes, never=frozenset({"simulator"}))
            self.stack.start()
            self.supervisor.start()
            self._register()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End everything that was started."""
        if hasattr(self, "supervisor"):
            self.supervisor.close()
        if hasattr(self, "stack"):
            for process in self.stack.processes.values():
                self._signal_group(process, signal.SIGCONT)
            self.stack.stop()
        for proxy in self._proxies.values():
            proxy.close()
        for server in self._servers:
            server.close()
        if self.disk:
            self.disk.close()
        self.faults.close()

    @property
    def processes(self) -> dict[str, Process]:
        """The portal's processes and the simulator, by name."""
        return self.stack.processes

    @property
    def environment(self) -> dict[str, str]:
        """What differs in the portal's environment."""
        return {**_ENVIRONMENT, **dict(self.options.environment)}

    @property
    def base_url(self) -> str:
        """Where tenant apps ask."""
        return self.stack.base_url

    def note(self, words: str) -> None:
        """Add a line to the schedule that the report prints."""
        self.faults.write("fault", name=words)

    def kill(self, name: str, *, at_work: bool = False) -> None:
        """
        `kill -9` a process with its group; the supervisor starts it again.

        `at_work`: wait until it has done something since its start (not beat, which says nothing).
        """
        if at_work:
            self._wait_until_at_work(name)
        self.note(f"kill -9 {name}")
        self.processes[name].kill()

    def kill_child(self, name: str, choose: Callable[[list[int]], int]) -> None:
        """`kill -9` one process that this one has started, if there is one now."""
        children = children_of(self.processes[name].pid)
        if children:
            self.note(f"kill -9 a child of {name}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(choose(sorted(children)), signal.SIGKILL)

    def terminate(self, name: str) -> None:
        """Ask a process to end, as an orderly stop does; the supervisor starts it again."""
        self.note(f"stop {name}")
        self.processes[name].stop()

    def pause(self, name: str) -> None:
        """Freeze a process with its group."""
        self.note(f"SIGSTOP {name}")
        self._signal_group(self.processes[name], signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on."""
        self.note(f"SIGCONT {name}")
        self._signal_group(self.processes[name], signal.SIGCONT)

    def hold(self, name: str) -> None:
        """Have the supervisor leave a process alone when it ends."""
        self.supervisor.hold(name)

    def let_go(self, name: str) -> None:
        """Have the supervisor look after it again."""
        self.supervisor.let_go(name)

    def start_another(self, name: str) -> str:
        """Start a second worker, dispatcher or beat until the world is healed, and return its name."""
        another = f"{name}-2"
        self.note(f"start another {name}")
        starts = {
            "worker": self.stack.start_worker,
            "dispatcher": self.stack.start_dispatcher,
            "beat": self.stack.start_beat,
        }
        starts[name](another)
        self._others.append(another)
        return another

    def end_leases(self) -> None:
        """End every lease, as the passing of their time would."""
        self.note("all leases end")
        with self.postgresql.connect() as connection:
            for table in LEASED_TABLES:
                connection.execute(f"UPDATE {table} SET lease_until = now() WHERE lease_until > now()")

    def proxy(self, name: str) -> Proxy:
        """Return the proxy before a service; the scenario has to be registered with it."""
        return self._proxies[name]

    def heal(self) -> None:
        """Undo every fault, and wait until the portal is ready."""
        if self.disk:
            self.disk.free()
        for proxy in self._proxies.values():
            proxy.pass_on()
        for server in self._servers:
            if server.is_running:
                server.resume()
            else:
                server.start()
        self.redis.limit_memory("0")
        self._end_others()
        for name, process in self.processes.items():
            self._signal_group(process, signal.SIGCONT)
            self.let_go(name)
        self.simulator.clear_faults()
        self.wait_until_ready()

    def _end_others(self) -> None:
        while self._others:
            another = self._others.pop()
            self.hold(another)
            self.processes.pop(another).stop()

    def wait_until_ready(self, within: float = READY_SECONDS) -> None:
        """Wait until all processes run and the portal answers."""
        eventually(self._is_ready, within=within, what="the portal is ready")

    def next_number(self) -> int:
        """Return a number that no other traffic of this world has."""
        self._numbers += 1
        return self._numbers

    def last_call_id(self) -> int:
        """Return the id of the last call that the simulator has answered."""
        return last_id(self.simulator.calls()["calls"])

    def last_push_id(self) -> int:
        """Return the id of the last push that the simulator has made."""
        return last_id(self.simulator.pushes()["pushes"])

    def _wait_until_at_work(self, name: str) -> None:
        """Wait until a process has written into its log; for one that has nothing to do, not long."""
        deadline = time.monotonic() + START_TO_WORK_SECONDS
        process = self.processes[name]
        while time.monotonic() < deadline and not (process.is_running and process.has_spoken):
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        if not all(process.is_running for process in self.processes.values()):
            return False
        try:
            web = requests.get(f"{self.base_url}/readyz", timeout=2)
            callback = requests.get(f"{self.stack.callback_base_url}/healthz", timeout=2)
        except requests.RequestException:
            return False
        return web.ok and callback.ok

    def _start_servers(self) -> None:
        if self.options.disk_megabytes:
            self.disk = SmallDisk(megabytes=self.options.disk_megabytes, note=self.note)
        self.postgresql = PostgresqlServer(note=self.note, place=self.disk and self.disk.folder)
        self._servers.append(self.postgresql)
        self.postgresql.start()
        self.redis = RedisServer(note=self.note)
        self._servers.append(self.redis)
        self.redis.start()

    def _make_stack(self) -> Stack:
        stack = Stack(
            self.folder,
            database_url=self._reach("postgresql", self.postgresql.url, self.postgresql.port),
            redis_url=self._reach("redis", self.redis.url, self.redis.port),
            seed={**SEED, "suites": [each for each in SEED["suites"] if each["suite_key"] in SUITES]},
            environment=self.environment,
        )
        self.simulator = stack.simulator
        address = self._reach("simulator", stack.simulator.base_url, stack.simulator_port)
        stack.env = {
            **stack.env,
            **{f"DINGTALK_{name}_BASE_URL": address for name in ("OAPI", "API", "LOGIN")},
        }
        return stack

    def _reach(self, name: str, url: str, port: int) -> str:
        """Return the URL by which the portal reaches a service: its own, or its proxy's."""
        if name not in self.options.proxied:
            return url
        self._proxies[name] = Proxy(name, target=port, note=self.note)
        return url.replace(f":{port}", f":{self._proxies[name].port}")

    def _register(self) -> None:
        self.operator = Operator(self.stack)
        for suite_key in SUITES:
            self.operator.register_suite(suite_key)
            self.simulator.push_ticket(suite_key)
        suites = [part for suite_key in SUITES for part in ("--suite", suite_key)]
        scopes = ("--scope", "events:read", "--scope", "tenants:read", "--scope", "tokens:read")
        made = self.stack.manage_json("api_key", "create", "reader", *suites, *scopes)
        self.app_key = made["key"]

    def _signal_group(self, process: Process, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def last_id(listed: list[dict[str, Any]]) -> int:
    """Return the last id of a list that the simulator gave, 0 of an empty one."""
    return int(listed[-1]["id"]) if listed else 0
