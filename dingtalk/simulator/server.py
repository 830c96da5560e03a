"""
The simulator as a whole, and the ways to run it: in the foreground, or in a thread beside a test.

Everything lives in memory and in one event loop; nothing is left behind when it ends.
"""

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dingtalk.simulator import login_page
from dingtalk.simulator import seed as seeds
from dingtalk.simulator.administrator import Administrator, push_ticket
from dingtalk.simulator.answers import json_response
from dingtalk.simulator.calls import CallLedger
from dingtalk.simulator.clock import Clock
from dingtalk.simulator.control import Control
from dingtalk.simulator.cutting import CuttableProtocol
from dingtalk.simulator.faults import FaultBoard
from dingtalk.simulator.gateway import Gateway
from dingtalk.simulator.limits import CallCounter, CallLimits
from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.pushes import Pusher
from dingtalk.simulator.rds_rows import RowWriter
from dingtalk.simulator.remote import SimulatorRemote
from dingtalk.simulator.snapshot import NOTICE, describe_world
from dingtalk.simulator.state_out import StateFile
from dingtalk.simulator.stream_control import StreamControl
from dingtalk.simulator.stream_gateway import CONNECT_PATH, connect
from dingtalk.simulator.world import World

START_SECONDS = 10.0
STOP_SECONDS = 10.0
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Simulator:
    """One simulated platform: its world and everything that acts in it."""

    def __init__(
        self,
        *,
        options: SimulatorOptions | None = None,
        seed: seeds.Seed | None = None,
        state_file: StateFile | None = None,
        rds_url: str = "",
        limits: CallLimits | None = None,
    ) -> None:
        """
        `rds_url`: the MySQL database that rows are written into, for suites in RDS mode.

        `limits`: how many calls are answered; by default as many as come.
        """
        self.base_url = ""
        self.world = World(options=options or SimulatorOptions(), clock=Clock())
        self.faults = FaultBoard()
        self.counter = CallCounter(clock=self.world.clock, limits=limits or CallLimits())
        self.calls = CallLedger()
        rows = RowWriter(rds_url) if rds_url else None
        self.pusher = Pusher(world=self.world, faults=self.faults, rows=rows)
        self.administrator = Administrator(world=self.world, pusher=self.pusher)
        self._state_file = state_file
        seeds.plant(self.world, seeds.DEFAULT_SEED if seed is None else seed)

    def describe(self) -> dict[str, Any]:
        """The world as JSON."""
        return describe_world(self.world, base_url=self.base_url)

    def save_state(self) -> None:
        """Write the state file, if there is one and something changed."""
        if self._state_file is not None:
            self._state_file.write(self.describe())

    def advance(self, seconds: float) -> None:
        """Let time pass at once; a ticket that would have been pushed meanwhile is pushed now."""
        self.world.clock.offset_seconds += seconds
        if 0 < self.world.options.ticket_interval_seconds <= seconds:
            self._push_all_tickets()

    def application(self) -> Starlette:
        """The ASGI application: controls, one line at the root, and the server API everywhere else."""
        gateway = Gateway(
            world=self.world,
            faults=self.faults,
            counter=self.counter,
            ledger=self.calls,
            reauthorizer=self.administrator,
            on_change=self.save_state,
        )
        routes = [
            Route("/", _notice, methods=["GET"]),
            Route(login_page.PATH, login_page.LoginPage(self.world).answer, methods=["GET"]),
            *Control(self).routes(),
            *StreamControl(self.world).routes(),
            WebSocketRoute(CONNECT_PATH, self._connect),
            Route("/_sim/{rest:path}", _no_such_control, methods=METHODS),
            Route("/{path:path}", gateway.answer, methods=METHODS),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    async def _connect(self, websocket: WebSocket) -> None:
        await connect(self.world, websocket)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncIterator[None]:
        self.save_state()
        tickets = asyncio.create_task(self._push_tickets())
        try:
            yield
        finally:
            tickets.cancel()
            await asyncio.gather(tickets, return_exceptions=True)
            await self.pusher.close()
            if self._state_file is not None:
                self._state_file.remove()

    async def _push_tickets(self) -> None:
        """Push tickets at the start, if asked to, and then on a schedule."""
        options = self.world.options
        if options.push_tickets_at_start:
            self._push_all_tickets()
        while options.ticket_interval_seconds > 0:
            await asyncio.sleep(options.ticket_interval_seconds)
            self._push_all_tickets()

    def _push_all_tickets(self) -> None:
        for suite in self.world.suites.values():
            push_ticket(self.world, self.pusher, suite)
        self.save_state()


class Listener:
    """A simulator with a socket of its own. Port 0 picks a free port, known as soon as this exists."""

    def __init__(self, simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns off Nagle's algorithm only where TCP is named; with it, answers take 40 ms longer.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # From now on a client waits for the server to begin, instead of being refused.
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        shown_host = f"[{host}]" if ":" in host else host
        self.base_url = simulator.base_url = f"http://{shown_host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            simulator.application(),
            http=CuttableProtocol,
            ws="websockets-sansio",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    def run_in_foreground(self) -> None:
        """Serve until SIGTERM or SIGINT, and return as if it were the expected thing."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn raises the signal once more when it has ended; this is what hears it then.
            signal.signal(number, lambda *_: self.ask_to_stop())
        self.run()

    def run(self) -> None:
        """Serve until `ask_to_stop`."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        return self._server.started

    def ask_to_stop(self) -> None:
        """Let `run` end soon."""
        self._server.should_exit = True


class RunningSimulator:
    """
    A simulator in a thread, for tests. Use as a context manager; `base_url` is its address, `remote` its
    controls.

    `options` may be changed while it runs; the world itself belongs to the thread and is reached through
    `remote`.
    """

    def __init__(
        self,
        *,
        options: SimulatorOptions | None = None,
        seed: seeds.Seed | None = None,
        state_out: Path | None = None,
        rds_url: str = "",
        limits: CallLimits | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.options = options or SimulatorOptions()
        state_file = StateFile(state_out) if state_out else None
        simulator = Simulator(
            options=self.options, seed=seed, state_file=state_file, rds_url=rds_url, limits=limits
        )
        self._listener = Listener(simulator, host=host, port=port)
        self._thread = threading.Thread(target=self._listener.run, name="dingtalk-simulator", daemon=True)
        self.base_url = self._listener.base_url
        self.remote = SimulatorRemote(self.base_url)

    def __enter__(self) -> "RunningSimulator":
        self._thread.start()
        _wait(lambda: self._listener.is_ready, seconds=START_SECONDS, thread=self._thread)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.ask_to_stop()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError("the simulator did not end")


async def _notice(_request: Request) -> Response:
    return PlainTextResponse(f"{NOTICE}\n")


async def _no_such_control(_request: Request) -> Response:
    return json_response({"error": "no such control, see docs/simulator.md"}, status=404)


def _wait(is_so: Callable[[], bool], *, seconds: float, thread: threading.Thread) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the simulator did not start")
        time.sleep(0.01)
