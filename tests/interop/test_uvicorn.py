"""uvicorn as the server of the ASGI recipe: what the recipe refuses early arrives early at the client."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from asgi_endpoint import XmlaEndpoint
from mondrian_client import MondrianClient
from server_sessions import Sessions
from tests.loopback import SECONDS, answer_to_the_beginning
from xmla_bodies import discover, execute
from xmla_headers import Envelope, Fragment, Header, Session, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")


@contextmanager
def served(endpoint: XmlaEndpoint) -> Iterator[str]:
    config = uvicorn.Config(endpoint, port=0, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/xmla"
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


class Application:
    """An endpoint that records the sessions of its requests."""

    def __init__(self) -> None:
        self.ran: list[str | None] = []
        self.sessions = Sessions()
        self.endpoint = XmlaEndpoint(self.run, self.sessions)

    async def run(self, session_id: str | None, body: Fragment) -> Fragment:
        assert len(body)
        self.ran.append(session_id)
        return Fragment(b"<Answer/>")


def test_uvicorn_sends_the_refusal_before_the_body_arrives() -> None:
    application = Application()
    data = encode(Envelope(Header(Session("9F2C")), execute("SELECT FROM [Sales]")))
    beginning = data[: data.index(b"<Execute")]
    with served(application.endpoint) as url:
        status, answer = answer_to_the_beginning(url, beginning, 900_000)
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.session_lost, application.ran) == (500, True, [])


def test_uvicorn_and_the_recipe_serve_a_whole_session() -> None:
    application = Application()
    with served(application.endpoint) as url:
        client = MondrianClient(url, timeout=SECONDS)
        for _ in range(3):
            assert client.call("Discover", discover("DBSCHEMA_CATALOGS")).fault is None
        assert client.end().fault is None
    assert len(set(application.ran)) == 1
    assert len(application.ran) == 4
    assert not application.sessions.users
