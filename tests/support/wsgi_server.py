"""The whole WSGI application behind a small server in a thread, for what calls it by HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.db import connections

from isv_portal.wsgi import application


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def wsgi_server() -> Iterator[str]:
    """Serve one request after another on loopback until the block ends; yields the base URL."""
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)

    def serve() -> None:
        try:
            server.serve_forever(poll_interval=0.05)
        finally:
            connections.close_all()

    thread = Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
