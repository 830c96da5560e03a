"""
Where Celery's messages go: to CELERY_BROKER_URL, or in embedded mode to a folder below DATA_DIR.

A message in the folder is gone once it is read, and lost if its reader dies. That is good enough
here: what it wakes is in the database, and the dispatcher finds what was left lying.
"""

from pathlib import Path
from typing import Any

FILESYSTEM_BROKER_URL = "filesystem://"
POLLING_SECONDS = 0.1
CONNECT_TIMEOUT_SECONDS = 0.5
# Longer than a slow answer, shorter than a caller's patience; reads that wait for messages poll first.
SOCKET_TIMEOUT_SECONDS = 2.0


def broker_url(configured: str) -> str:
    """Return the configured broker, or the one that needs no program."""
    return configured or FILESYSTEM_BROKER_URL


def broker_transport_options(configured: str, *, data_dir: Path) -> dict[str, Any]:
    """Return kombu's options for the broker; makes the folders of the filesystem broker."""
    if configured:
        return {
            "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "socket_timeout": SOCKET_TIMEOUT_SECONDS,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
    messages, control = data_dir / "broker" / "messages", data_dir / "broker" / "control"
    for folder in (messages, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": POLLING_SECONDS,
    }
