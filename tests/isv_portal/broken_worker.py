"""
A Celery worker that stops doing anything once it is ready: `python -m tests.isv_portal.broken_worker HOW`.

`reads-no-more`: it stays connected to its broker and takes no message, as after some restarts of Redis.
`pool-hangs`: its only thread never comes back. `well`: it goes on. The watchdog is made impatient.
"""

import sys
import time
from typing import Any

import django
from celery.signals import worker_ready

django.setup()

from dingtalk import watchdog  # noqa: E402
from isv_portal.celery import app  # noqa: E402

SILENT_SECONDS = 3.0


def break_down(sender: Any, **_: Any) -> None:
    """Do as told."""
    if sys.argv[1] == "reads-no-more":
        sender.task_consumer.cancel()
    elif sys.argv[1] == "pool-hangs":
        sender.pool.apply_async(time.sleep, (600,))


if __name__ == "__main__":
    watchdog.SILENT_SECONDS = SILENT_SECONDS
    watchdog.REPORT_SECONDS = 1.0
    worker_ready.connect(break_down, weak=False)
    app.worker_main(["--quiet", "worker", "--pool", "threads", "--concurrency", "1", "--without-mingle"])
