"""One suite's turn in this process: wait to be its leader, connect, and stay as long as the lease is ours."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.utils import timezone

from dingtalk.foundation.keyring import DecryptionError
from dingtalk.stream.connection import StreamClient, stop_client
from dingtalk.stream.database_threads import DatabaseThreads
from dingtalk.stream.leadership import claim_connection, keep_connection, note_error, release_connection
from dingtalk.stream.progress import Progress
from dingtalk.stream.receiving import store_frame
from dingtalk.stream.suite_credentials import StreamCredentials, read_credentials

LEASE_SECONDS = 15.0
# How often a lease is renewed, and asked for by those that wait, within its time.
RENEWALS = 3
LONGEST_LOOK_SECONDS = 2.0
_AFTER_ERROR_SECONDS = 5.0

logger = logging.getLogger(__name__)
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Place:
    """What all suites of a process share: who it is, how long its leases last, and its database threads."""

    holder: str
    threads: DatabaseThreads
    lease_seconds: float = LEASE_SECONDS

    @property
    def look_seconds(self) -> float:
        """How long to wait before looking again whether a lease is free."""
        longest = min(LONGEST_LOOK_SECONDS, self.lease_seconds / RENEWALS)
        return longest * _random.uniform(0.7, 1.0)


class SuiteRunner:
    """Runs the connection of one suite; end it by cancelling the task of `run`."""

    def __init__(self, suite_id: UUID, *, place: Place) -> None:
        self._suite_id = suite_id
        self._place = place
        self._threads = place.threads

    async def run(self) -> None:
        """Lead whenever nobody else does, until cancelled. What goes wrong is noted and tried again."""
        while True:
            pause = self._place.look_seconds
            try:
                epoch = await self._threads.run(self._claim)
                if epoch is not None:
                    await self._lead(epoch)
            except DatabaseError:
                logger.warning("stream_database_unavailable", extra={"suite_id": str(self._suite_id)})
            except Exception:
                logger.exception("stream_suite_failed", extra={"suite_id": str(self._suite_id)})
                pause = _AFTER_ERROR_SECONDS
            await asyncio.sleep(pause)

    def _claim(self) -> int | None:
        return claim_connection(self._suite_id, holder=self._place.holder, seconds=self._place.lease_seconds)

    async def _lead(self, epoch: int) -> None:
        progress: Progress | None = None
        try:
            credentials = await self._threads.run(self._read_credentials)
            if credentials is not None:
                progress = Progress(suite_key=credentials.suite_key)
                await self._connect(credentials, epoch, progress)
            else:
                # Nobody else can read them either: do not pass the lease around.
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
        finally:
            await self._give_back(epoch, progress.report() if progress else {})

    async def _give_back(self, epoch: int, report: Mapping[str, Any]) -> None:
        """Let another process lead at once; without the database it has to wait until the lease runs out."""
        try:
            await self._threads.run(partial(release_connection, self._suite_id, epoch, report=report))
        except DatabaseError:
            # Raised, it would take the place of the order to end.
            logger.warning("stream_lease_not_given_back", extra={"suite_id": str(self._suite_id)})

    def _read_credentials(self) -> StreamCredentials | None:
        try:
            return read_credentials(self._suite_id)
        except DecryptionError:
            logger.exception("stream_secret_unreadable", extra={"suite_id": str(self._suite_id)})
            note_error(self._suite_id, "the suite secret cannot be decrypted")
            return None

    async def _connect(self, credentials: StreamCredentials, epoch: int, progress: Progress) -> None:
        client = StreamClient(
            credentials=credentials, store=partial(self._store, credentials), progress=progress
        )
        run = asyncio.create_task(client.start())
        try:
            while not run.done() and await self._is_ours(epoch, progress):
                await self._wait_for_news(progress)
        finally:
            await stop_client(client, run)
        if run.done() and not run.cancelled():
            run.result()

    async def _is_ours(self, epoch: int, progress: Progress) -> bool:
        """Renew the lease; without the database it is ours as long as nobody else can have it."""
        keep = partial(
            keep_connection,
            self._suite_id,
            epoch,
            seconds=self._place.lease_seconds,
            report=progress.report(),
        )
        try:
            is_ours = await self._threads.run(keep)
        except DatabaseError:
            logger.warning("stream_lease_not_renewed", extra={"suite_key": progress.suite_key})
            return True
        if not is_ours:
            logger.warning("stream_lease_lost", extra={"suite_key": progress.suite_key})
        return is_ours

    async def _wait_for_news(self, progress: Progress) -> None:
        try:
            async with asyncio.timeout(self._place.lease_seconds / RENEWALS):
                await progress.changed.wait()
        except TimeoutError:
            return
        progress.changed.clear()

    async def _store(self, credentials: StreamCredentials, frame: Mapping[str, Any]) -> None:
        store = partial(
            store_frame,
            frame,
            suite_id=credentials.suite_id,
            suite_key=credentials.suite_key,
            received_at=timezone.now(),
        )
        await self._threads.run(store)
