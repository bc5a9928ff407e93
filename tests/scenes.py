"""Scripted traffic: the provider of the tests with a clock, and the ways in which sessions get lost.

Each scene is a capture whose truth is known: why its session was lost, or that nothing went wrong.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from xmla_headers import (
    XMLA_NS,
    BeginSession,
    EndSession,
    Envelope,
    Fault,
    FaultEntry,
    FaultShape,
    Fragment,
    Header,
    Session,
    SoapVersion,
    decode,
    encode,
    session_not_found,
)

from .provider import EXECUTE, Provider, action_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NEAREST", "SCENES", "Client", "Page", "Scene", "Telling"]

_ENGINE = "http://schemas.microsoft.com/analysisservices/2003/engine"


_XML: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml"),)


class Page(NamedTuple):
    """An answer that the provider has not written."""

    status: int = 200
    body: bytes = b""
    fields: tuple[tuple[str, str], ...] = (("Content-Type", "text/html"),)


#: How a loss is told: the fault of a server -> status and body of its answer.
Telling = Callable[[Fault], tuple[int, bytes]]


def _written(shape: FaultShape, status: int = 500) -> Telling:
    soap = SoapVersion.SOAP_1_2 if shape is FaultShape.SOAP_1_2 else SoapVersion.SOAP_1_1

    def tell(fault: Fault) -> tuple[int, bytes]:
        told = fault if soap is SoapVersion.SOAP_1_1 else session_not_found("x", soap=soap)
        return status, encode(Envelope(body=told.to_body(shape), soap=soap))

    return tell


def _mondrian(_: Fault) -> tuple[int, bytes]:
    fault = Fault("00HSHB01", "Invalid Session Id", entries=[FaultEntry("00HSHB01", "Invalid Session Id")])
    return 200, encode(Envelope(body=fault.to_body(FaultShape.SOAP_1_1)))


def _relayed(_: Fault) -> tuple[int, bytes]:
    text = "The session ID cannot be found. Either the session does not exist or it has already expired."
    return 502, encode(Envelope(body=Fault("Server", text).to_body()))


def _inline(_: Fault) -> tuple[int, bytes]:
    body = (
        f'<ExecuteResponse xmlns="{XMLA_NS}"><return><root xmlns="{XMLA_NS}:empty">'
        f'<Exception xmlns="{XMLA_NS}:exception"/><Messages xmlns="{XMLA_NS}:exception">'
        '<Error ErrorCode="3238789130" Description="gone"/></Messages></root></return></ExecuteResponse>'
    )
    return 200, encode(Envelope(body=Fragment(body.encode())))


TELLINGS: dict[str, Telling] = {
    "Analysis Services": _written(FaultShape.SSAS),
    "Analysis Services, status 200": _written(FaultShape.SSAS, 200),
    "Analysis Services, status 401": _written(FaultShape.SSAS, 401),
    "Mondrian": _mondrian,
    "a relay": _relayed,
    "SOAP 1.2": _written(FaultShape.SOAP_1_2),
    "an Error in an answer": _inline,
}


@dataclass(eq=False)
class Client:
    """A client, and the session that it believes to have."""

    scene: Scene
    name: str = "Excel"
    session_id: str = ""
    #: The server that its requests reach.
    server: int = 0
    path: str = "/xmla"

    def begin(self, instead: Page | None = None) -> Client:
        """Ask for a session."""
        answer = self.scene.ask(self, BeginSession(), instead=instead)
        if answer is not None and answer.header.session is not None:
            self.session_id = answer.header.session.session_id
        return self

    def use(self, times: int = 1, instead: Page | None = None, body: Fragment = EXECUTE) -> Envelope | None:
        """Send requests in the session, one second apart."""
        answer = None
        for _ in range(times):
            answer = self.scene.ask(self, Session(self.session_id), body=body, instead=instead)
        return answer

    def end(self) -> None:
        """End the session."""
        self.scene.ask(self, EndSession(self.session_id))

    def cancel(self, other: Client | None) -> None:
        """Cancel the session of another client by its id, or some session by its SPID."""
        named = "<SPID>77</SPID>" if other is None else f"<SessionID>{other.session_id}</SessionID>"
        command = f'<Cancel xmlns="{_ENGINE}">{named}</Cancel>'
        body = f'<Execute xmlns="{XMLA_NS}"><Command>{command}</Command><Properties/></Execute>'
        self.use(body=Fragment(body.encode()))


@dataclass(eq=False)
class Scene:
    """The exchanges of some clients with one or two servers, as a HAR."""

    telling: Telling = TELLINGS["Analysis Services"]
    #: A server ends sessions that have not been used for this long.
    idle_limit: timedelta = timedelta(days=1)
    one_id: bool = False
    #: Whether the HAR has the network address of the server.
    names_servers: bool = False
    now: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    entries: list[dict[str, Any]] = field(default_factory=list)
    recording: bool = True

    def __post_init__(self) -> None:
        self.servers = [Provider(self._ids(1)), Provider(self._ids(2))]
        self._used: dict[str, datetime] = {}
        self._killed: set[str] = set()

    def _ids(self, server: int) -> Iterator[str]:
        for number in count(1):
            yield "ONE-ID-FOR-ALL" if self.one_id else f"{server}{number:07X}-4C1D-4E7A-9B60-51A2C7D8E9F0"

    def client(self, name: str = "Excel", server: int = 0) -> Client:
        """Return a new client."""
        return Client(self, name, server=server)

    def wait(self, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes, seconds=seconds)

    def restart(self, server: int = 0) -> None:
        """Restart a server."""
        self.servers[server].forget()

    def kill(self, client: Client) -> None:
        """End a session, as an administrator does at the server."""
        for server in self.servers:
            server.sessions.pop(client.session_id, None)

    def healthy(self, number: int = 2, uses: int = 3) -> None:
        """Let other clients work from begin to end."""
        for index in range(number):
            other = self.client(f"Report {index}").begin()
            other.use(uses)
            other.end()

    def ask(
        self,
        client: Client,
        block: BeginSession | Session | EndSession | None,
        *,
        body: Fragment = EXECUTE,
        instead: Page | None = None,
    ) -> Envelope | None:
        """Send a request, record the exchange, and return the answer; None for one that is not SOAP."""
        self.now += timedelta(seconds=1)
        request = encode(Envelope(Header() if block is None else Header(block), body))
        provider = self.servers[client.server]
        session_id = getattr(block, "session_id", "")
        if self.now - self._used.get(session_id, self.now) > self.idle_limit:
            provider.sessions.pop(session_id, None)
        if instead is None:
            status, answer = _answered(provider, request)
            fields = _XML
            fault = decode(answer).fault
            if fault is not None and fault.session_lost:
                status, answer = self.telling(fault)
            elif b"<SessionID>" in body.xml:
                killed = body.xml.partition(b"<SessionID>")[2].partition(b"<")[0].decode()
                provider.sessions.pop(killed, None)
            granted = decode(answer).header.session
            if fault is None:
                self._used[session_id if granted is None else granted.session_id] = self.now
        else:
            status, answer, fields = instead.status, instead.body, instead.fields
        if self.recording:
            self._record(client, request, status, answer, fields)
        return None if instead is not None else decode(answer)

    def _record(
        self, client: Client, request: bytes, status: int, answer: bytes, fields: tuple[tuple[str, str], ...]
    ) -> None:
        entry: dict[str, Any] = {
            "startedDateTime": self.now.isoformat().replace("+00:00", "Z"),
            "time": 20,
            "request": {
                "method": "POST",
                "url": f"http://olap{client.path}"
                if ".example" in client.path
                else f"http://olap.example{client.path}",
                "headers": _fields(
                    ("Content-Type", "text/xml"),
                    ("SOAPAction", action_of("Execute")),
                    ("User-Agent", client.name),
                ),
                "bodySize": len(request),
                "postData": {"mimeType": "text/xml", "text": request.decode()},
            },
            "response": {
                "status": status,
                "headers": _fields(*fields),
                "content": {"size": len(answer), "mimeType": fields[0][1], "text": answer.decode()},
            },
        }
        if self.names_servers:
            entry["serverIPAddress"] = f"192.0.2.{client.server + 1}"
        self.entries.append(entry)

    def har(self, *, times: bool = True) -> bytes:
        """Return the capture."""
        entries = self.entries if times else [{**entry, "startedDateTime": ""} for entry in self.entries]
        creator = {"name": "tests", "version": "1"}
        return json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries}}).encode()


def _fields(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _answered(provider: Provider, request: bytes) -> tuple[int, bytes]:
    """Return the status and the body of the answer of a provider."""
    started: list[str] = []
    environ = {
        "wsgi.input": io.BytesIO(request),
        "CONTENT_LENGTH": str(len(request)),
        "CONTENT_TYPE": "text/xml; charset=utf-8",
        "HTTP_SOAPACTION": action_of("Execute"),
    }
    answer = b"".join(provider(environ, lambda status, _: started.append(status)))  # type: ignore[arg-type]
    return int(started[0].split()[0]), answer


# -- the scenes ---------------------------------------------------------------------------------------

#: A scene of a cause: makes the traffic of the scene it is given, and returns the client that suffers.
Play = Callable[[Scene], Client]


def _idle(scene: Scene) -> Client:
    client, other = _pair(scene)
    client.use(2)
    _pause(scene, other)
    client.use()
    other.end()
    return client


def _restart(scene: Scene) -> Client:
    clients = [scene.client(f"Excel {number}").begin() for number in range(3)]
    for client in clients:
        client.use()
    scene.wait(minutes=20)
    clients[0].use()
    scene.restart()
    for client in clients:
        client.use()
    for client in clients:
        client.begin().use()
        client.end()
    return clients[0]


def _restart_of_one(scene: Scene) -> Client:
    """A restart while one client works, with a page of the gateway in between."""
    client = scene.client().begin()
    client.use(3)
    scene.restart()
    client.use(instead=Page(503, b"<html><title>Service Unavailable</title></html>"))
    client.use()
    client.begin().use()
    client.end()
    return client


def _killed(scene: Scene) -> Client:
    client, admin = scene.client().begin(), scene.client("Studio").begin()
    client.use(2)
    admin.cancel(client)
    client.use()
    admin.end()
    return client


def _killed_by_words(scene: Scene) -> Client:
    client, other = scene.client().begin(), scene.client("Report").begin()
    client.use(2)
    other.use()
    fault = Fault("XMLAnalysisError.0xc10c000a", "The session was terminated by an administrator.")
    client.use(instead=Page(500, encode(Envelope(body=fault.to_body())), _XML))
    other.use()
    other.end()
    return client


def _other_server(scene: Scene) -> Client:
    client = scene.client().begin()
    client.use(2)
    client.server = 1
    client.use()
    client.server = 0
    client.use(2)
    client.end()
    return client


def _other_address(scene: Scene) -> Client:
    client = scene.client().begin()
    client.use(2)
    client.server, client.path = 1, "/Finance"
    client.use()
    return client


def _other_node(scene: Scene) -> Client:
    scene.names_servers = True
    client = scene.client().begin()
    client.use(2)
    client.server = 1
    client.use()
    client.begin().use()
    client.end()
    return client


def _changed(scene: Scene) -> Client:
    client = scene.client().begin()
    client.session_id = f"{{{client.session_id.lower()}}}"
    client.use()
    return client


def _after_end(scene: Scene) -> Client:
    client = scene.client().begin()
    client.use(2)
    client.end()
    client.use()
    return client


def _only_401(scene: Scene) -> Client:
    client = scene.client()
    for _ in range(3):
        client.begin(Page(401, b"<html>Unauthorized</html>"))
    return client


def _login(scene: Scene) -> Client:
    client = scene.client()
    client.begin(Page(302, b"", (("Location", "https://login.example/signin"),)))
    client.begin(Page(200, b"<html><title>Sign in</title><input type='password'></html>"))
    return client


def _refused(scene: Scene) -> Client:
    fault = Fault("XMLAnalysisError.0xc1180016", "no permission")
    client = scene.client()
    client.begin(Page(500, encode(Envelope(body=fault.to_body())), _XML))
    return client


def _stateless(scene: Scene) -> Client:
    client = scene.client()
    client.begin(Page(200, encode(Envelope(body=Fragment(b"<rows/>"))), _XML))
    return client


def _misspelt(scene: Scene) -> Client:
    client = scene.client()
    answer = encode(Envelope(Header(Session("8f1c2b3a")))).replace(b"SessionId", b"SessionID")
    client.begin(Page(200, answer, _XML))
    return client


def _begun_with_a_page(scene: Scene) -> Client:
    client = scene.client()
    client.begin(Page(502, b"<html><head><title>502 Bad Gateway</title></head></html>"))
    return client


def _before(scene: Scene) -> Client:
    client = scene.client()
    scene.recording = False
    client.begin()
    scene.restart()
    scene.recording = True
    client.use()
    client.begin().use()
    client.end()
    return client


def _twice(scene: Scene) -> Client:
    scene.one_id = True
    clients = [scene.client(f"Excel {number}").begin() for number in range(2)]
    for client in clients:
        client.use()
    for client in clients:
        client.end()
    return clients[0]


def _page(scene: Scene) -> Client:
    client = scene.client().begin()
    client.use(instead=Page(502, b"<html><head><title>502 Bad Gateway</title></head></html>"))
    client.use()
    client.end()
    return client


def _empty(scene: Scene) -> Client:
    client = scene.client().begin()
    client.use(instead=Page(200, b"", _XML))
    client.use()
    client.end()
    return client


#: Cause -> scenes in which it is the truth.
SCENES: dict[str, dict[str, Play]] = {
    "idle-timeout": {"idle for 45 minutes": _idle},
    "server-restart": {"three at once": _restart, "one, with a page before": _restart_of_one},
    "killed": {"by a Cancel": _killed, "by an administrator": _killed_by_words},
    "other-server": {
        "accepted again": _other_server,
        "another path": _other_address,
        "another node": _other_node,
    },
    "id-changed-by-client": {"letter case and braces": _changed},
    "used-after-end": {"after EndSession": _after_end},
    "not-authenticated": {"401 three times": _only_401, "a login page": _login},
    "never-granted": {
        "a fault": _refused,
        "no Session": _stateless,
        "a page": _begun_with_a_page,
        "a message that is refused": _misspelt,
    },
    "before-capture": {"an id from before": _before},
    "granted-twice": {"one id": _twice},
    "no-soap-answer": {"a page": _page, "an empty answer": _empty},
}


def _killed_too_early(scene: Scene) -> Client:
    """A Cancel that the session survives, and a time-out later."""
    scene.idle_limit = timedelta(minutes=30)
    client, admin = scene.client().begin(), scene.client("Studio").begin()
    kept = dict(scene.servers[0].sessions)
    admin.cancel(client)
    # The Cancel has only stopped a command.
    scene.servers[0].sessions.update(kept)
    client.use()
    for _ in range(9):
        scene.wait(minutes=5)
        admin.use()
    client.use()
    admin.end()
    return client


def _idle_twice(scene: Scene) -> Client:
    """Two time-outs within a minute, while an older session goes on: no restart."""
    scene.idle_limit = timedelta(minutes=30)
    other = scene.client("Report").begin()
    clients = [scene.client(f"Excel {number}").begin() for number in range(2)]
    for _ in range(8):
        scene.wait(minutes=5)
        other.use()
    for client in clients:
        client.use()
    other.use()
    other.end()
    return clients[0]


def _restart_after_a_pause(scene: Scene) -> Client:
    """A restart takes a session that was idle, too: another one was used a second before."""
    client, other = scene.client().begin(), scene.client("Report").begin()
    for _ in range(8):
        scene.wait(minutes=5)
        other.use()
    scene.restart()
    other.use()
    client.use()
    other.begin().end()
    return client


def _same_address(scene: Scene) -> Client:
    """A session that was used at two addresses before it timed out."""
    client = _idle_at(scene, "/Finance")
    client.use()
    return client


def _idle_at(scene: Scene, path: str) -> Client:
    scene.idle_limit = timedelta(minutes=30)
    client, other = scene.client().begin(), scene.client("Report").begin()
    client.path = path
    client.use()
    client.path = "/xmla"
    client.use()
    for _ in range(9):
        scene.wait(minutes=5)
        other.use()
    client.path = path
    return client


def _end_refused(scene: Scene) -> Client:
    """An EndSession that a fault answers ends nothing; the session times out later."""
    scene.idle_limit = timedelta(minutes=30)
    client, other = scene.client().begin(), scene.client("Report").begin()
    fault = Fault("Server", "busy")
    scene.ask(
        client,
        EndSession(client.session_id),
        instead=Page(500, encode(Envelope(body=fault.to_body())), _XML),
    )
    _pause(scene, other)
    client.use()
    return client


def _end_unanswered(scene: Scene) -> Client:
    """The answer to EndSession is missing."""
    client = scene.client().begin()
    client.use(2)
    client.end()
    scene.entries[-1]["response"] = {"status": 0, "headers": [], "content": {"size": 0}}
    client.use()
    return client


def _request_unreadable(scene: Scene) -> Client:
    """The capture lacks the body of the request that is denied; the fault names the session."""
    client, other = _pair(scene)
    client.use()
    _pause(scene, other)
    client.use()
    scene.entries[-1]["request"] |= {"bodySize": 0, "postData": {"mimeType": "text/xml", "text": ""}}
    return client


def _restart_of_one_server(scene: Scene) -> Client:
    """One of two servers was restarted, and the sessions of the other one go on."""
    clients = [scene.client(f"Excel {number}", server=number % 2) for number in range(6)]
    for client in clients:
        client.path = f"{client.server}.example/xmla"
        client.begin().use()
    scene.restart(0)
    for client in clients:
        client.use()
    return clients[0]


def _accepted_spelling(scene: Scene) -> Client:
    """The server has accepted the spelling before; then the session times out."""
    client, other = _pair(scene)
    exact = client.session_id
    client.session_id = exact.lower()
    client.use(instead=Page(200, encode(Envelope()), _XML))
    _pause(scene, other)
    client.use()
    return client


def _login_rounds(scene: Scene) -> Client:
    """The request that is denied after a pause is sent twice before that, and asked for credentials."""
    client, other = _pair(scene)
    client.use()
    _pause(scene, other)
    client.use(2, instead=Page(401, b"Unauthorized"))
    client.use()
    return client


def _page_elsewhere(scene: Scene) -> Client:
    """The gateway fails for another client while the session times out."""
    client, other = _pair(scene)
    client.use()
    other.end()
    scene.wait(minutes=20)
    scene.client("Pivot").use(instead=Page(502, b"<html>"))
    scene.wait(minutes=20)
    client.use()
    return client


def _pair(scene: Scene) -> tuple[Client, Client]:
    scene.idle_limit = timedelta(minutes=30)
    return scene.client().begin(), scene.client("Report").begin()


def _pause(scene: Scene, other: Client) -> None:
    """Let 45 minutes pass, in which another client works."""
    for _ in range(9):
        scene.wait(minutes=5)
        other.use()


def _reused_id(scene: Scene) -> Client:
    """One id again and again, but each session is ended first; then the client uses it after the end."""
    scene.one_id = True
    client = scene.client()
    for _ in range(2):
        client.begin().use()
        client.end()
    client.use()
    return client


def _changed_and_accepted(scene: Scene) -> Client:
    """A server that compares ids without letter case, and a restart."""
    client, other = scene.client().begin(), scene.client("Report").begin()
    exact = client.session_id
    client.session_id = exact.lower()
    client.use(instead=Page(200, encode(Envelope()), _XML))
    client.session_id = exact
    client.use()
    scene.restart()
    other.use()
    client.use()
    other.begin().end()
    return client


#: Scene -> its play and its truth: each resembles another cause.
NEAREST: dict[str, tuple[Play, str]] = {
    "a Cancel before the last use": (_killed_too_early, "idle-timeout"),
    "two time-outs at once": (_idle_twice, "idle-timeout"),
    "a restart after a pause": (_restart_after_a_pause, "server-restart"),
    "an address that was known": (_same_address, "idle-timeout"),
    "an EndSession without success": (_end_refused, "idle-timeout"),
    "one id, ended each time": (_reused_id, "used-after-end"),
    "an EndSession without an answer": (_end_unanswered, "used-after-end"),
    "a denied request without its body": (_request_unreadable, "idle-timeout"),
    "a restart of one of two servers": (_restart_of_one_server, "server-restart"),
    "a spelling that was accepted before": (_accepted_spelling, "idle-timeout"),
    "rounds of a login around the denial": (_login_rounds, "idle-timeout"),
    "a page for somebody else": (_page_elsewhere, "idle-timeout"),
    "another spelling that was accepted": (_changed_and_accepted, "server-restart"),
}
