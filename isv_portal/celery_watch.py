"""The watchdog in Celery's processes: a worker shows progress by tasks that it runs, beat by its ticks."""

from collections.abc import Callable
from threading import Event
from typing import Any

from celery.beat import PersistentScheduler
from celery.signals import beat_init, celeryd_after_setup, task_postrun, task_prerun, worker_shutting_down

from dingtalk import pulses


@celeryd_after_setup.connect
def watch_worker(instance: Any, **_: Any) -> None:
    """Watch this worker, which is sent pulses by a queue of its own from now on."""
    # Models are there only after Celery has set Django up.
    from dingtalk.models import ProcessKind
    from dingtalk.watchdog import watch

    told_to_end = Event()
    watchdog = watch(ProcessKind.WORKER, stop=told_to_end, ask_others=pulses.send)
    instance.app.amqp.queues.select_add(pulses.queue_name(watchdog.id))
    for signal in (task_prerun, task_postrun):
        signal.connect(lambda **_: watchdog.note_progress(), weak=False)
    worker_shutting_down.connect(lambda **_: told_to_end.set(), weak=False)


@beat_init.connect
def watch_beat(sender: Any, **_: Any) -> None:
    """Watch this beat, whose scheduler is ours."""
    from dingtalk.models import ProcessKind
    from dingtalk.watchdog import watch

    sender.scheduler.note_progress = watch(ProcessKind.BEAT).note_progress


class WatchedScheduler(PersistentScheduler):
    """Celery's own scheduler, which tells of its ticks."""

    # What to call after each tick, once somebody watches.
    note_progress: Callable[[], None] = staticmethod(lambda: None)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; return the seconds until the next tick."""
        delay = super().tick(*args, **kwargs)
        self.note_progress()
        return delay
