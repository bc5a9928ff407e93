"""A server that runs a WSGI application on this machine during a test."""

from __future__ import annotations

import socketserver
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

__all__ = ["SECONDS", "served"]

#: The time-out of each wait, in seconds. A passing test never waits as long.
SECONDS = 20.0


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    # When the server closes, it waits for open requests.
    daemon_threads = False

    def server_bind(self) -> None:
        # The method of HTTPServer looks up the host name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Print nothing."""


@contextmanager
def served(application: WSGIApplication) -> Iterator[str]:
    """Serve an application; yield its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.set_app(application)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/xmla"
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()
        assert not thread.is_alive()
