"""
Pulses: tasks without work that a worker sends to itself, the way all tasks go.

Each worker reads a queue of its own beside the common one, by the same connection. A pulse that comes back
has been through the broker, that connection and the pool. A worker that stopped reading, as Celery's do now
and then after Redis was away, gets none, while others would take the tasks of the common queue.
"""

from uuid import UUID

from celery import current_app
from kombu import Queue


def queue_name(worker_id: UUID) -> str:
    """Return the name of a worker's own queue."""
    return f"pulse-{worker_id}"


def send(worker_id: UUID) -> None:
    """Send a worker a pulse; raises what the broker's library raises."""
    current_app.send_task("dingtalk.tasks.pulse", queue=queue_name(worker_id))


def drop_queue(worker_id: UUID) -> None:
    """Remove a queue that nobody reads any more, with what is in it."""
    name = queue_name(worker_id)
    with current_app.connection_for_write() as connection:
        queue = Queue(name, exchange=current_app.amqp.default_exchange, routing_key=name)
        bound = queue.bind(connection.default_channel)
        # A channel unbinds only what it has bound.
        bound.declare()
        bound.delete()
