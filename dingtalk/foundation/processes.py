"""This process: what it is called where others look, and how it is told to end."""

import os
import signal
import socket
from threading import Event


def process_name(*, max_length: int) -> str:
    """Return host and process id, for people who look which process holds a row; the host is cut first."""
    return f"{socket.gethostname()}:{os.getpid()}"[-max_length:]


def stop_when_told() -> Event:
    """Return an event that SIGTERM and Ctrl-C set from now on, instead of ending the process at once."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
