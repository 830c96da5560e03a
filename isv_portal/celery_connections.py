"""
A worker's connections to the database, kept from one task to the next.

Celery would close them before and after each task, and PostgreSQL starts a process for each new one. Here
they are treated as between two requests: one that failed or is too old is closed, and one that is used again
is asked first whether it still lives (CONN_MAX_AGE, CONN_HEALTH_CHECKS).
"""

from typing import Any

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup
from django.db import close_old_connections


class _KeptConnections(DjangoWorkerFixup):
    def close_database(self, **_: Any) -> None:
        close_old_connections()


class _Fixup(DjangoFixup):
    _worker_fixup: DjangoWorkerFixup | None

    @property
    def worker_fixup(self) -> DjangoWorkerFixup:
        """Made when a worker begins, as Celery does: it reads the settings."""
        if self._worker_fixup is None:
            self._worker_fixup = _KeptConnections(self.app)
        return self._worker_fixup


def fixup(app: Celery) -> DjangoFixup:
    """Take the place of Celery's own fixup for Django, of which all else stays as it is."""
    return _Fixup(app).install()
