"""Who looks over our shoulder while a story runs: at command lines, messages in a folder, and Redis."""

import contextlib
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

_LOOK_SECONDS = 0.02


class Onlooker:
    """Notes what passes by, from `with` on; `seen` is everything, by where it was seen."""

    def __init__(self, *, broker_folder: Path, redis_url: str = "") -> None:
        self._broker_folder = broker_folder
        self._redis_url = redis_url
        self._has_seen_enough = threading.Event()
        self._threads: list[threading.Thread] = []
        self._command_lines: set[bytes] = set()
        self._messages: set[bytes] = set()
        self._redis = bytearray()

    @property
    def seen(self) -> dict[str, bytes]:
        """All command lines of the machine, messages of the folder, and commands that Redis got."""
        return {
            "command lines": b"\n".join(self._command_lines),
            "broker folder": b"\n".join(self._messages),
            "redis": bytes(self._redis),
        }

    def __enter__(self) -> "Onlooker":
        watches = [self._watch_processes_and_folder, *([self._watch_redis] if self._redis_url else [])]
        self._threads = [threading.Thread(target=watch, daemon=True) for watch in watches]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._has_seen_enough.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _watch_processes_and_folder(self) -> None:
        looks = 0
        while not self._has_seen_enough.wait(_LOOK_SECONDS):
            self._messages |= _contents(self._broker_folder.rglob("*"))
            looks += 1
            if looks % 10 == 1:
                self._command_lines |= _contents(Path("/proc").glob("[0-9]*/cmdline"))

    def _watch_redis(self) -> None:
        address = urlsplit(self._redis_url)
        with socket.create_connection((address.hostname or "", address.port or 6379), timeout=5) as redis:
            redis.settimeout(0.2)
            redis.sendall(b"MONITOR\r\n")
            while not self._has_seen_enough.is_set():
                with contextlib.suppress(TimeoutError):
                    self._redis += redis.recv(1 << 16)


def _contents(paths: Iterable[Path]) -> set[bytes]:
    found = set()
    for path in paths:
        # It may be gone already.
        with contextlib.suppress(OSError):
            if path.is_file():
                found.add(path.read_bytes())
    return found
