"""
While the database cannot be reached, nobody waits for it.

Every attempt costs a thread up to its deadline, and those who stand behind it are late before they begin. So
one that failed is enough: from then on all are refused at once, and a thread that nobody waits for tries
until the database answers again.
"""

import logging
import os
import threading
import time

from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError

from dingtalk.punctuality import Deadline

PAUSE_SECONDS = 0.1

logger = logging.getLogger(__name__)


class DatabaseAbsence:
    """What one process knows of it; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted_by = 0

    @property
    def is_on(self) -> bool:
        """Whether the database could not be reached a moment ago."""
        return self._noted_by == os.getpid()

    def note(self) -> None:
        """Remember that the database could not be reached, and begin to try."""
        with self._lock:
            if not self.is_on:
                self._noted_by = os.getpid()
                threading.Thread(target=self._try_until_it_answers, name="absence", daemon=True).start()

    def _try_until_it_answers(self) -> None:
        while not _answers():
            time.sleep(PAUSE_SECONDS)
        self._noted_by = 0


def _answers() -> bool:
    """Tell whether the database answers on a new connection, quickly enough for who waits for it."""
    try:
        connections[DEFAULT_DB_ALIAS].ensure_connection()
        with Deadline() as deadline, deadline.connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return not deadline.is_over()
    except DatabaseError:
        return False
    except Exception:
        # Whatever it is, the next attempt is made: otherwise nothing would ever be received again.
        logger.exception("database_not_tried")
        return False
    finally:
        connections[DEFAULT_DB_ALIAS].close()


database_absence = DatabaseAbsence()
