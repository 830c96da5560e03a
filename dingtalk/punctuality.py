"""
An end to waiting for a database that says nothing.

The server's own limits do not reach as far as the network: answers that are late on the way, or a connection
that is open and dead. DingTalk waits 1,200 ms, so what has lasted almost as long loses its connection, which
fails at once, and the push is refused in time. An acknowledgement that is ready too late is not given.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Self

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

# From the beginning of a request; the rest of DingTalk's 1,200 ms is for the way.
ANSWER_SECONDS = 1.0
_LOOK_SECONDS = 0.05


class Deadline:
    """
    When a request has to be answered: the database connection of a block that lasts longer is cut.

    `connection`: that of this thread. `found_no_database`: whether the database could not be reached, or said
    nothing up to the end.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        """`seconds`: from now, as long as usual if None."""
        self.connection = connections[DEFAULT_DB_ALIAS]
        self._at = time.monotonic() + (ANSWER_SECONDS if seconds is None else seconds)
        self.found_no_database = False

    def __enter__(self) -> Self:
        if os.getpid() not in _watchers:
            _begin_to_watch()
        _deadlines[threading.get_ident()] = self
        return self

    def __exit__(self, *_: object) -> None:
        _deadlines.pop(threading.get_ident(), None)

    def is_over(self) -> bool:
        """Whether an answer would come too late."""
        return time.monotonic() >= self._at

    def connect(self) -> None:
        """
        Open the connection of this thread to PostgreSQL, if it has none.

        Raises django.db.Error when it cannot be opened or is not open in time: no driver has a limit of less
        than two seconds, so somebody else waits for it, and closes it when it comes too late.
        """
        connection = self.connection
        if connection.connection is not None or connection.vendor != "postgresql":
            return
        opening = _in_background(partial(connection.get_new_connection, connection.get_connection_params()))
        try:
            opened = opening.result(timeout=max(0.0, self._at - time.monotonic()))
        except Exception as error:
            self.found_no_database = True
            opening.add_done_callback(_close_what_came_late)
            raise OperationalError("the database could not be reached in time") from error
        # The rest of connecting is Django's: state, session, signals.
        vars(connection)["get_new_connection"] = lambda _: opened
        try:
            connection.ensure_connection()
        finally:
            del vars(connection)["get_new_connection"]

    def cut(self) -> None:
        """End the connection under whoever waits for it."""
        kept = self.connection.connection
        if kept is None or self.connection.vendor != "postgresql":
            return
        self.found_no_database = True
        # It may be closed at this moment; a copy of the descriptor leaves the driver its own.
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(kept.pgconn.socket)) as copy:
            copy.shutdown(socket.SHUT_RDWR)


def _in_background(function: Callable[[], Any]) -> "Future[Any]":
    """Run it in a thread of its own; not in a pool, whose threads a forked process does not have."""
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except Exception as error:  # noqa: BLE001 - it is for whoever waits for the outcome
            outcome.set_exception(error)

    threading.Thread(target=run, name="opener", daemon=True).start()
    return outcome


def _close_what_came_late(opening: "Future[Any]") -> None:
    if opening.exception() is None:
        opening.result().close()


_deadlines: dict[int, Deadline] = {}
_start = threading.Lock()
_watchers: dict[int, threading.Thread] = {}


def _begin_to_watch() -> None:
    """One thread for each process: a child has none of its parent's."""
    with _start:
        if os.getpid() not in _watchers:
            watcher = threading.Thread(target=_watch, name="punctuality", daemon=True)
            _watchers[os.getpid()] = watcher
            watcher.start()


def _watch() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        for thread, deadline in list(_deadlines.items()):
            if deadline.is_over() and _deadlines.pop(thread, None) is deadline:
                deadline.cut()
