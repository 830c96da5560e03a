"""
The processes of the embedded mode, which are the same programs that services run on many machines.

Celery works with a pool of threads: its tasks wait for DingTalk most of the time. Time limits do not
exist there, so each call has timeouts of its own.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dingtalk.heartbeat_files import heartbeat_file
from isv_portal.child_process import ProcessSpec

_CHECKOUT = Path(__file__).resolve().parent.parent
APPLICATION = "isv_portal.wsgi:application"
# The longest that granian allows: a thread keeps its database connection only as long as it lives.
_IDLE_THREAD_SECONDS = 600
# What is being answered when told to end may be answered for this long; a process that is still
# starting does not hear that it should end, and is killed then. Containers are given 10 seconds.
_LAST_ANSWERS_SECONDS = 6


def portal_processes(
    *,
    host: str,
    port: int,
    data_dir: Path,
    web_processes: int,
    web_threads: int,
    worker_threads: int,
    reads_push_database: bool = False,
    wants_stream: Callable[[], bool] | None = None,
) -> list[ProcessSpec]:
    """
    Return all processes of one portal on one machine.

    That of RDS mode only where there is a database; that of Stream mode begins when `wants_stream` says so.
    """
    commands = {
        "web": web_command(host=host, port=port, processes=web_processes, threads=web_threads),
        "worker": worker_command(threads=worker_threads),
        "dispatcher": [sys.executable, "-m", "django", "dispatcher"],
        "beat": beat_command(schedule_file=data_dir / "beat-schedule"),
    }
    if wants_stream is not None:
        commands["stream"] = [sys.executable, "-m", "django", "stream"]
    if reads_push_database:
        commands["rds"] = [sys.executable, "-m", "django", "rds"]
    # The web server looks after its processes itself.
    watched = {name: partial(heartbeat_file, data_dir, name) for name in commands if name != "web"}
    # Python finds our packages in the folder that a module is run in.
    conditions = {"stream": wants_stream}
    return [
        ProcessSpec(
            name,
            command,
            folder=_CHECKOUT,
            is_wanted=conditions.get(name),
            heartbeat=watched.get(name),
        )
        for name, command in commands.items()
    ]


def web_command(*, host: str, port: int, processes: int, threads: int) -> list[str]:
    """Return the command of the web server, which starts its own processes again when one dies."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(processes), "--blocking-threads", str(threads)),
        *("--blocking-threads-idle-timeout", str(_IDLE_THREAD_SECONDS)),
        *("--workers-kill-timeout", str(_LAST_ANSWERS_SECONDS)),
        *("--respawn-failed-workers", "--log-level", "error", APPLICATION),
    ]


def worker_command(*, threads: int) -> list[str]:
    """Return the command of a Celery worker."""
    return [
        *(sys.executable, "-m", "celery", "--quiet", "-A", "isv_portal", "worker"),
        *("--pool", "threads", "--concurrency", str(threads)),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def beat_command(*, schedule_file: Path) -> list[str]:
    """Return the command of Celery beat; exactly one runs in a fleet."""
    return [
        *(sys.executable, "-m", "celery", "--quiet", "-A", "isv_portal", "beat"),
        *("--schedule", str(schedule_file), "--pidfile", ""),
    ]
