"""A WSGI application behind a socket of this machine, for as long as a test takes."""

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

#: How long anybody waits for anything. A test that is right never waits so long.
SECONDS = 20.0


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    # A request that is still being answered is waited for when the server closes.
    daemon_threads = False

    def server_bind(self) -> None:
        # That of HTTPServer looks its own name up.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so it is called
        """Stay silent."""


@contextmanager
def served(application: WSGIApplication) -> Iterator[str]:
    """Serve an application; give its address."""
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
