"""The recipes for clients that need another library: httpx, requests, zeep."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.loopback import SECONDS, served
from tests.provider import IDS, Page, Provider
from xmla_bodies import discover, execute
from xmla_headers import (
    XMLA_NS,
    BeginSession,
    Code,
    Conversation,
    ConversationError,
    Envelope,
    Fault,
    FaultShape,
    Fragment,
    Header,
    MustUnderstandForm,
    Session,
    State,
    XmlaHeadersError,
    encode,
)

from .zeep_client import zeep_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

DISCOVER, EXECUTE = discover("DBSCHEMA_CATALOGS"), execute("SELECT FROM [Sales]", {"Catalog": "FoodMart"})


class Client(Protocol):
    """The interface of all clients."""

    conversation: Conversation
    lock: Any
    #: The exceptions of the library for an HTTP error.
    errors: tuple[type[Exception], ...]

    def call(self, *, end: bool = False, discover: bool = False) -> Fault | None: ...


class Bytes:
    """A client that answers with an Envelope."""

    def __init__(self, client: Any, *errors: type[Exception]) -> None:
        self.client, self.errors = client, errors
        self.conversation: Conversation = client.conversation
        self.lock = client.lock

    def call(self, *, end: bool = False, discover: bool = False) -> Fault | None:
        return self.answer(self.send(end=end, discover=discover))

    def send(self, *, end: bool, discover: bool) -> Any:
        if end:
            return self.client.end()
        return self.client.call(*(("Discover", DISCOVER) if discover else ("Execute", EXECUTE)))

    def answer(self, answer: Any) -> Fault | None:
        assert isinstance(answer, Envelope)
        return answer.fault


class Coroutines(Bytes):
    """A client whose methods are coroutines, in an event loop of its own."""

    def __init__(self, run: Callable[[Any], Any], client: Any, *errors: type[Exception]) -> None:
        super().__init__(client, *errors)
        self.run = run

    def answer(self, answer: Any) -> Fault | None:
        return super().answer(self.run(answer))


@contextmanager
def httpx_client(url: str, *begin: BeginSession, timeout: float = SECONDS) -> Iterator[Client]:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    from httpx_client import XmlaClient

    with httpx.Client(timeout=timeout, trust_env=False) as http:
        yield Bytes(XmlaClient(http, url, *begin), httpx.HTTPError)


@contextmanager
def httpx_async_client(url: str, *begin: BeginSession, timeout: float = SECONDS) -> Iterator[Client]:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    from httpx_async_client import XmlaClient

    with asyncio.Runner() as runner:
        http = httpx.AsyncClient(timeout=timeout, trust_env=False)
        yield Coroutines(runner.run, XmlaClient(http, url, *begin), httpx.HTTPError)
        runner.run(http.aclose())


@contextmanager
def requests_client(url: str, *begin: BeginSession, timeout: float = SECONDS) -> Iterator[Client]:
    requests = pytest.importorskip("requests", reason="requests is not installed")
    from requests_client import XmlaClient

    with requests.Session() as http:
        http.trust_env = False
        yield Bytes(XmlaClient(http, url, *begin, timeout=timeout), requests.RequestException)


class Zeep:
    """The plugin, and a client that uses it."""

    def __init__(self, plugin: Any, service: Any) -> None:
        from zeep.exceptions import TransportError

        self.plugin, self.service = plugin, service
        self.conversation: Conversation = plugin.conversation
        self.lock = plugin.lock
        self.errors: tuple[type[Exception], ...] = (TransportError, OSError)

    def call(self, *, end: bool = False, discover: bool = False) -> Fault | None:
        from zeep.exceptions import Fault as ZeepFault

        try:
            if end:
                self.plugin.end(self.service.Execute)
            elif discover:
                self.plugin.call(self.service.Discover, "DBSCHEMA_CATALOGS", {}, {})
            else:
                self.plugin.call(self.service.Execute, {"Statement": "SELECT FROM [Sales]"}, {})
        except ZeepFault as fault:
            return Fault("", fault.message or "")
        return None


@contextmanager
def zeep_plugin(url: str, *begin: BeginSession, timeout: float = SECONDS) -> Iterator[Client]:
    pytest.importorskip("zeep", reason="zeep is not installed")
    from zeep_plugin import SessionPlugin

    plugin = SessionPlugin(*begin)
    with zeep_client(url, plugin, timeout=timeout) as service:
        yield Zeep(plugin, service)


if TYPE_CHECKING:
    Connect = Callable[..., AbstractContextManager[Client]]

byte_clients = pytest.mark.parametrize("connect", [httpx_client, httpx_async_client, requests_client])
clients = pytest.mark.parametrize("connect", [httpx_client, httpx_async_client, requests_client, zeep_plugin])


@clients
@pytest.mark.parametrize("every_reply", [False, True])
@pytest.mark.parametrize("session_id", IDS.values(), ids=IDS)
def test_client_after_session_loss_begins_a_new_session(
    connect: Connect, session_id: str, *, every_reply: bool
) -> None:
    provider = Provider(ids=iter([session_id, f"{session_id}2"]), every_reply=every_reply)
    with served(provider) as url, connect(url) as client:
        assert client.call() is None
        assert client.conversation.session_id == session_id
        for discover in (True, False, True):
            assert client.call(discover=discover) is None
        provider.forget()
        assert client.call(discover=True) is None
        assert client.conversation.session_id == f"{session_id}2"
        assert client.call(end=True) is None
        assert client.conversation.state is State.ENDED
    assert provider.asked == [
        "BeginSession",
        *["Session"] * 3,
        # The session is not found, so the client sends the request again.
        "Session",
        "BeginSession",
        "EndSession",
    ]
    assert provider.seen[4] == provider.seen[3]
    assert (provider.sessions, provider.complaints) == ({}, [])


@clients
def test_client_after_session_end_begins_a_new_session(connect: Connect) -> None:
    provider = Provider()
    with served(provider) as url, connect(url) as client:
        for _ in range(2):
            client.call()
            client.call(end=True)
        with pytest.raises(ConversationError) as caught:
            client.call(end=True)
    assert caught.value.code is Code.UNKNOWN_SESSION
    assert provider.asked == ["BeginSession", "EndSession"] * 2


@clients
@pytest.mark.parametrize("form", MustUnderstandForm)
def test_client_marks_every_session_block_alike(connect: Connect, form: MustUnderstandForm) -> None:
    provider = Provider(every_reply=True, mondrian=form is MustUnderstandForm.UNQUALIFIED)
    begin = BeginSession(must_understand=True, must_understand_form=form, actor="urn:a")
    with served(provider) as url, connect(url, begin) as client:
        client.call()
        client.call()
        client.call(end=True)
    assert provider.asked == ["BeginSession", "Session", "EndSession"]
    for header in provider.seen:
        block = header.session_header
        assert block is not None
        assert (block.must_understand, block.must_understand_form, block.actor) == (True, form, "urn:a")


@clients
def test_client_end_of_a_lost_session_begins_no_new_one(connect: Connect) -> None:
    provider = Provider()
    with served(provider) as url, connect(url) as client:
        client.call()
        provider.forget()
        assert client.call(end=True) is not None
    assert provider.asked == ["BeginSession", "EndSession"]
    assert client.conversation.state is State.LOST


@clients
def test_client_retries_a_lost_session_once_per_request(connect: Connect) -> None:
    provider = Provider()
    lost = encode(Envelope(body=Fault("XMLAnalysisError.0xc10c000a", "gone").to_body(FaultShape.SOAP_1_1)))
    with served(provider) as url, connect(url) as client:
        client.call()
        page = Page("500 Internal Server Error", lost, "text/xml")
        provider.instead = [page, page]
        fault = client.call()
        assert fault is not None
        assert fault.string == "gone"
        assert client.call() is None
    assert provider.asked == ["BeginSession", "Session", "BeginSession", "BeginSession"]


@clients
def test_client_after_another_fault_keeps_its_session(connect: Connect) -> None:
    provider = Provider()
    failed = encode(Envelope(body=Fault("Server", "a syntax error").to_body(FaultShape.SOAP_1_1)))
    with served(provider) as url, connect(url) as client:
        client.call()
        for status in ("500 Internal Server Error", "200 OK"):
            provider.instead = [Page(status, failed, "text/xml; charset=utf-8")]
            fault = client.call()
            assert fault is not None
            assert fault.string == "a syntax error"
        assert client.call() is None
    assert provider.asked == ["BeginSession", "Session", "Session", "Session"]


PAGES = {
    "a bad gateway": Page("502 Bad Gateway"),
    "a bad gateway, in XHTML": Page("502 Bad Gateway", b"<html xmlns='http://www.w3.org/1999/xhtml'/>"),
    "an unauthorized request": Page("401 Unauthorized"),
    "a server error": Page("500 Internal Server Error"),
    "another page": Page("200 OK"),
    "nothing": Page("200 OK", b"", "text/xml"),
    "a truncated message": Page("200 OK", encode(Envelope())[:-1], "text/xml"),
    "a redirection": Page("302 Found", b""),
}


@clients
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_client_error_page_raises_and_changes_no_state(connect: Connect, page: Page) -> None:
    provider = Provider()
    with served(provider) as url, connect(url) as client:
        for asked in ("BeginSession", "Session", "EndSession"):
            provider.instead = [page]
            with pytest.raises((XmlaHeadersError, *client.errors)):
                client.call(end=asked == "EndSession")
            assert client.conversation.requests_unanswered == 0
            assert provider.asked[-1] == asked
            if asked == "BeginSession":
                assert client.conversation.state is State.NONE
                client.call()
            assert client.conversation.state is State.ACTIVE
    assert provider.asked == ["BeginSession", "BeginSession", "Session", "EndSession"]


@clients
def test_client_time_out_leaves_no_request_open(connect: Connect) -> None:
    gone = threading.Event()
    provider = Provider()
    with served(provider) as url, connect(url, timeout=0.2) as client:
        provider.on_request = lambda: gone.wait(SECONDS)
        try:
            with pytest.raises(client.errors):
                client.call()
        finally:
            gone.set()
        assert client.conversation.state is State.NONE
        assert client.conversation.requests_unanswered == 0


@clients
@pytest.mark.parametrize(("session_id", "said"), [("another", "another session id"), ("", "an empty id")])
def test_client_answer_with_another_id_warns(connect: Connect, session_id: str, said: str) -> None:
    # As olapy answers: the answer counts, and the session keeps the id that was granted.
    provider = Provider()
    with served(provider) as url, connect(url) as client:
        client.call()
        granted = client.conversation.session_id
        answered = f'<ExecuteResponse xmlns="{XMLA_NS}"><return/></ExecuteResponse>'
        other = encode(Envelope(Header(Session(session_id)), Fragment(answered.encode())))
        provider.instead = [Page("200 OK", other, "text/xml")]
        with pytest.warns(UserWarning, match=said):
            assert client.call() is None
        assert client.conversation.session_id == granted
        assert client.call() is None
    assert provider.asked == ["BeginSession", "Session", "Session"]
    assert [header.session for header in provider.seen[1:]] == [Session(granted or "")] * 2


@pytest.mark.parametrize("connect", [httpx_client, requests_client, zeep_plugin])
def test_client_threads_share_one_session(connect: Connect) -> None:
    provider = Provider(every_reply=True)
    with served(provider) as url, connect(url) as client:
        faults: list[Fault | None] = []
        locked: list[bool] = []
        provider.on_request = lambda: locked.append(client.lock.locked())

        def work() -> None:
            faults.extend(client.call() for _ in range(5))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    assert faults == [None] * 20
    # The lock covers the whole round trip.
    assert locked == [True] * 20
    assert sorted(provider.asked) == ["BeginSession", *["Session"] * 19]
    assert len(provider.sessions) == 1


@byte_clients
@pytest.mark.parametrize(
    ("codec", "content_type"),
    [
        ("utf-8", "text/xml"),
        ("utf-8", "text/xml; charset=utf-8"),
        ("utf-8", 'text/xml; Charset="UTF-8"'),
        ("utf-16", "text/xml"),
        ("iso-8859-1", "text/xml; charset=iso-8859-1"),
        ("iso-8859-1", 'text/xml; Charset="ISO-8859-1"'),
    ],
)
def test_client_charset_is_of_transport_or_declaration(
    connect: Connect, codec: str, content_type: str
) -> None:
    provider = Provider(ids=iter(["é"]), content_type=content_type)
    provider.write = lambda envelope: encode(envelope).decode().encode(codec)
    with served(provider) as url, connect(url) as client:
        client.call()
        assert client.conversation.session_id == "é"
        assert client.call() is None
    assert provider.asked == ["BeginSession", "Session"]


def test_async_client_tasks_share_one_session() -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    from httpx_async_client import XmlaClient

    provider = Provider(every_reply=True)

    async def work(url: str) -> list[Envelope]:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
            client = XmlaClient(http, url)
            return await asyncio.gather(*(client.call("Execute", EXECUTE) for _ in range(20)))

    with served(provider) as url:
        answers = asyncio.run(work(url))
    assert [answer.fault for answer in answers] == [None] * 20
    assert provider.asked == ["BeginSession", *["Session"] * 19]
    assert len(provider.sessions) == 1


def test_async_client_cancelled_task_leaves_no_request_open() -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    from httpx_async_client import XmlaClient

    gone = threading.Event()
    provider = Provider()

    async def work(url: str) -> Conversation:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
            client = XmlaClient(http, url)
            arrived = asyncio.Event()
            loop = asyncio.get_running_loop()

            def wait() -> None:
                loop.call_soon_threadsafe(arrived.set)
                gone.wait(SECONDS)

            provider.on_request = wait
            task = asyncio.create_task(client.call("Execute", EXECUTE))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gone.set()
            provider.on_request = bool
            await client.call("Execute", EXECUTE)
            return client.conversation

    with served(provider) as url:
        conversation = asyncio.run(work(url))
    assert (conversation.state, conversation.requests_unanswered) == (State.ACTIVE, 0)
    assert provider.asked == ["BeginSession", "BeginSession"]


@clients
def test_client_without_a_granted_session_warns(connect: Connect) -> None:
    # As a default client meets Mondrian.
    provider = Provider(mondrian=True)
    with served(provider) as url, connect(url) as client:
        for _ in range(2):
            with pytest.warns(UserWarning, match="without a Session"):
                assert client.call() is None
        assert client.conversation.state is State.NONE
    assert provider.asked == ["BeginSession", "BeginSession"]


@clients
def test_client_fault_in_answer_to_begin_is_no_warning(connect: Connect) -> None:
    provider = Provider()
    failed = encode(Envelope(body=Fault("Server", "no permission").to_body(FaultShape.SOAP_1_1)))
    provider.instead = [Page("500 Internal Server Error", failed, "text/xml")]
    with served(provider) as url, connect(url) as client:
        fault = client.call()
        assert fault is not None
        assert fault.string == "no permission"


@byte_clients
@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "503 Service Unavailable"])
def test_client_reads_a_fault_of_any_status(connect: Connect, status: str) -> None:
    provider = Provider()
    failed = encode(Envelope(body=Fault("Client", "no permission").to_body()))
    with served(provider) as url, connect(url) as client:
        client.call()
        provider.instead = [Page(status, failed, "text/xml")]
        assert client.call() == Fault("Client", "no permission")
        assert client.conversation.state is State.ACTIVE
