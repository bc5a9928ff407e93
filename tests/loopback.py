"""Servers that run a WSGI or an ASGI application on this machine during a test."""

from __future__ import annotations

import asyncio
import socket
import socketserver
from contextlib import contextmanager
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from wsgiref.types import WSGIApplication

__all__ = ["SECONDS", "answer_to_the_beginning", "served", "served_asgi"]

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


class _AsgiHandler(BaseHTTPRequestHandler):
    """Runs the application for one request, in a thread and an event loop of its own."""

    timeout = SECONDS
    asgi: Callable[..., Any]

    def do_POST(self) -> None:
        fields = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        scope = {"type": "http", "method": "POST", "path": self.path, "headers": fields}
        left = int(self.headers["Content-Length"])

        async def receive() -> dict[str, Any]:
            nonlocal left
            chunk = self.rfile.read1(min(left, 65_536))
            left -= len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": left > 0}

        async def send(event: dict[str, Any]) -> None:
            if event["type"] == "http.response.start":
                self.send_response(event["status"])
                for name, value in event["headers"]:
                    self.send_header(name.decode(), value.decode())
                self.end_headers()
            else:
                self.wfile.write(event["body"])

        asyncio.run(self.asgi(scope, receive, send))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Print nothing."""


@contextmanager
def served(application: WSGIApplication) -> Iterator[str]:
    """Serve an application; yield its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.set_app(application)
    with _running(server) as url:
        yield url


@contextmanager
def served_asgi(application: Callable[..., Any]) -> Iterator[str]:
    """Serve an ASGI application; yield its address."""

    class Handler(_AsgiHandler):
        asgi = staticmethod(application)

    with _running(_Server(("127.0.0.1", 0), Handler)) as url:
        yield url


@contextmanager
def _running(server: _Server) -> Iterator[str]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/xmla"
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()
        assert not thread.is_alive()


def answer_to_the_beginning(url: str, beginning: bytes, length: int) -> tuple[int, bytes]:
    """Send the first bytes of a request of `length` bytes, and no more; return the status and the answer."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=SECONDS) as connection:
        fields = f"Host: {parts.netloc}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(f"POST {parts.path} HTTP/1.1\r\n{fields}".encode() + beginning)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()
