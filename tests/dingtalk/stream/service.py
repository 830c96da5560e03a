"""`manage.py stream` in a thread: the very service, on a simulated platform."""

import asyncio
import threading
from types import TracebackType

from dingtalk.stream.service import StreamService


class RunningService:
    """Use as a context manager; leaving it stops the service as SIGTERM does."""

    def __init__(self, *, lease_seconds: float = 15.0) -> None:
        self._service = StreamService(lease_seconds=lease_seconds)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="stream-service", daemon=True)

    def _run(self) -> None:
        self._loop.run_until_complete(self._service.run(self._stop))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def __enter__(self) -> "RunningService":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Tell it to end, and see that it does; more than once is as good as once."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the service did not end"
