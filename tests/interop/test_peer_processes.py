"""PHP, Mono, SAAJ, SOAP::Lite and suds: clients of our provider, servers of our client, readers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tests.loopback import served
from tests.provider import EXECUTE, IDS, Provider
from xmla_headers import (
    BeginSession,
    Code,
    Conversation,
    Direction,
    EndSession,
    Envelope,
    FaultShape,
    Header,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    State,
    UnknownHeaderBlock,
    decode,
    encode,
    session_not_found,
)

from .peer_processes import PROCESSES, Absent, Called, PeerError, process
from .suds_peer import Suds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from .peer_processes import Process

CLIENTS = (*PROCESSES, "suds")
BLOCKS = ("BeginSession", "Session", "EndSession")

#: The kinds of ids that a peer writes wrongly, in a request or an answer. XML 1.0 §3.3.3 makes a space of
#: each TAB, LF and CR that is no character reference; suds writes a reference in an id as a reference.
_WHITE_SPACE = {"tab", "newline", "carriage return", "CR LF", "10,000 characters"}
WRITTEN_WRONGLY = {
    "Mono": {"tab", "10,000 characters"},
    "SOAP::Lite": _WHITE_SPACE,
    "suds": {*_WHITE_SPACE, "an entity, as text"},
}
#: (peer, kind of id) -> the id that it writes as another one.
WRONG = [(peer, kind) for peer, kinds in WRITTEN_WRONGLY.items() for kind in sorted(kinds)]


def as_written(peer: str, kind: str) -> str:
    """Return the id that is in the XML which a peer writes."""
    session_id = IDS[kind]
    if kind not in WRITTEN_WRONGLY.get(peer, ()):
        return session_id
    if kind == "an entity, as text":
        return "<&#9;&"
    return re.sub("\r\n|[\t\r\n]", " ", session_id)


@pytest.fixture(name="client", params=CLIENTS)
def _client(request: pytest.FixtureRequest) -> tuple[str, Process | Suds]:
    return request.param, _peer(request.param)


@pytest.fixture(name="server", params=PROCESSES)
def _server(request: pytest.FixtureRequest) -> tuple[str, Process]:
    peer = _peer(request.param)
    assert not isinstance(peer, Suds)
    return request.param, peer


def _peer(name: str) -> Process | Suds:
    try:
        return Suds() if name == "suds" else process(name)
    except Absent as absent:
        pytest.skip(str(absent))


# Their client, our provider.


@pytest.mark.parametrize("must_understand", [False, True])
def test_client_runs_sessions_with_every_id(
    client: tuple[str, Process | Suds], *, must_understand: bool
) -> None:
    name, peer = client
    provider = Provider(ids=iter(IDS.values()), every_reply=True)
    with served(provider) as url:
        for kind, session_id in IDS.items():
            known = as_written(name, kind) == session_id
            lost = Called(fault=_as_read(name, as_written(name, kind)))
            answers = [
                peer.call(
                    url,
                    block,
                    None if block == "BeginSession" else session_id,
                    must_understand=must_understand,
                )
                for block in (*BLOCKS[:2], *BLOCKS[1:])
            ]
            assert answers == [Called(session_id), *[Called(session_id) if known else lost] * 3], kind
    assert provider.complaints == []
    expected: list[HeaderBlock] = []
    for kind in IDS:
        session = Session(as_written(name, kind), must_understand=must_understand)
        end = EndSession(as_written(name, kind), must_understand=must_understand)
        expected += [BeginSession(must_understand=must_understand), session, session, end]
    assert [header.session_header for header in provider.seen] == expected
    if must_understand:
        forms = {
            header.session_header.must_understand_form for header in provider.seen if header.session_header
        }
        assert forms == {MustUnderstandForm.QUALIFIED}
    assert set(provider.sessions) == {IDS[kind] for kind in WRITTEN_WRONGLY.get(name, ())}


@pytest.mark.parametrize("shape", [FaultShape.SSAS, FaultShape.SOAP_1_1])
def test_client_begins_again_after_a_loss(client: tuple[str, Process | Suds], shape: FaultShape) -> None:
    name, peer = client
    provider = Provider(ids=iter(["é😀<1>&'\"", "2"]), shape=shape)
    with served(provider) as url:
        assert peer.call(url, "", None, must_understand=False) == Called()
        granted = peer.call(url, "BeginSession", None, must_understand=False).granted
        assert granted == "é😀<1>&'\""
        assert peer.call(url, "Session", granted, must_understand=False) == Called()
        provider.forget()
        lost = peer.call(url, "Session", granted, must_understand=False)
        assert lost == Called(fault=_as_read(name, granted))
        granted = peer.call(url, "BeginSession", None, must_understand=False).granted
        assert granted == "2"
        assert peer.call(url, "Session", granted, must_understand=False) == Called()
        assert peer.call(url, "EndSession", granted, must_understand=False) == Called()
    assert (provider.sessions, provider.complaints) == ({}, [])
    assert provider.asked == ["", *BLOCKS[:2], "Session", *BLOCKS]


def _as_read(name: str, session_id: str) -> tuple[str, str, str]:
    """Return faultcode, faultstring and ErrorCode of the fault for an unknown session."""
    fault = session_not_found(session_id)
    # PHP drops the attributes of a detail that its WSDL does not declare: a mistake.
    return fault.code, fault.string, "" if name == "PHP" else str(fault.entries[0].code)


# Our client, their server.


@dataclass
class Server:
    """Keeps the sessions of a peer, which reads and writes the messages."""

    peer: Process
    ids: Iterator[str] = field(default_factory=lambda: (f"session-{number}" for number in count(1)))
    sessions: set[str] = field(default_factory=set)
    #: The session headers that the peer read, and its answers.
    read: list[tuple[str, str | None]] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        granted = next(self.ids)
        data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        answer = self.peer.serve(data, granted, self.sessions)
        self.read += answer.found
        self.written.append(answer.data)
        for name, session_id in answer.found:
            if name == "BeginSession":
                self.sessions.add(granted)
            elif name == "EndSession":
                self.sessions.discard(session_id or "")
        status = "200 OK" if answer.status == 200 else "500 Internal Server Error"
        start_response(status, [("Content-Type", "text/xml; charset=utf-8")])
        return [answer.data]


@pytest.mark.parametrize("form", [None, *MustUnderstandForm])
def test_server_reads_every_session_header(
    server: tuple[str, Process], form: MustUnderstandForm | None
) -> None:
    marked: dict[str, Any] = {}
    if form is not None:
        marked = {"must_understand": True, "must_understand_form": form}
    for session_id in IDS.values():
        for block in (
            BeginSession(**marked),
            Session(session_id, **marked),
            EndSession(session_id, **marked),
        ):
            read = server[1].read(encode(Envelope(Header(block), EXECUTE)))
            assert read == [(block.spec.local_name, getattr(block, "session_id", None))]


def test_server_finds_a_session_among_unknown_blocks(server: tuple[str, Process]) -> None:
    unknown = [
        UnknownHeaderBlock(b'<Version xmlns="urn:a" Sequence="400"/>'),
        UnknownHeaderBlock(b'<t xmlns="urn:t" SessionId="no">text &lt;Session SessionId="a"/&gt;</t>'),
        UnknownHeaderBlock(b'<Session xmlns="urn:other" SessionId="no"/>'),
    ]
    for place in range(4):
        # PHP does not look at the namespace of a header: its handler gets the other Session as well.
        blocks = unknown if server[0] != "PHP" else unknown[:2]
        data = encode(Envelope(Header(*blocks[:place], Session("a<b"), *blocks[place:]), EXECUTE))
        assert server[1].read(data) == [("Session", "a<b")]


@pytest.mark.parametrize("kind", IDS)
def test_decode_reads_the_session_that_a_server_grants(server: tuple[str, Process], kind: str) -> None:
    name, peer = server
    answer = peer.serve(encode(Envelope(Header(BeginSession()), EXECUTE)), IDS[kind], ())
    envelope = decode(answer.data, direction=Direction.RESPONSE, deep=True)
    # Its WCF writes a TAB as a reference; its client does not.
    assert envelope.header == Header(Session(IDS[kind] if name == "Mono" else as_written(name, kind)))
    padded = IDS[kind] != IDS[kind].strip(" \t\r\n")
    assert [finding.code for finding in envelope.warnings] == [Code.PADDED_SESSION_ID] * padded


def test_decode_reads_the_loss_that_a_server_tells(server: tuple[str, Process]) -> None:
    for session_id in ("9F2C", "é😀<1>&'\""):
        answer = server[1].serve(encode(Envelope(Header(Session(session_id)), EXECUTE)), "", ["x"])
        envelope = decode(answer.data, direction=Direction.RESPONSE, deep=True)
        fault = envelope.fault
        assert fault is not None
        assert (answer.status, envelope.warnings, fault.session_lost) == (500, (), True)
        assert (fault.code, fault.string) == (
            "XMLAnalysisError.0xc10c000a",
            f"Session '{session_id}' cannot be found",
        )
        # The MessageFault of Mono was made without a detail.
        assert [entry.code for entry in fault.entries] == [3238789130] * (server[0] != "Mono")


def test_our_client_recovers_from_the_loss_at_a_server(server: tuple[str, Process]) -> None:
    requests = pytest.importorskip("requests", reason="requests is not installed")
    from requests_client import XmlaClient

    ids = ["é😀<1>&'\"", "", "", "2", "", ""]
    application = Server(server[1], iter(ids))
    with served(application) as url, requests.Session() as http:
        http.trust_env = False
        ours = XmlaClient(http, url)
        assert isinstance(ours.conversation, Conversation)
        for _ in range(2):
            assert ours.call("Execute", EXECUTE).fault is None
        assert (ours.conversation.session_id, application.sessions) == (ids[0], {ids[0]})
        application.sessions.clear()
        # The loss is told, the session begun again, and the request sent again.
        assert ours.call("Execute", EXECUTE).fault is None
        assert (ours.conversation.session_id, application.sessions) == ("2", {"2"})
        assert ours.call("Execute", EXECUTE).fault is None
        assert ours.end().fault is None
        assert (ours.conversation.state, application.sessions) == (State.ENDED, set())
    read = [("BeginSession", None), ("Session", ids[0]), ("Session", ids[0])]
    assert application.read == [*read, ("BeginSession", None), ("Session", "2"), ("EndSession", "2")]
    faults = [decode(data).fault is not None for data in application.written]
    assert faults == [False, False, True, False, False, False]


# Mistakes of the peers that the table of readers does not show.


def test_server_refuses_unreadable_bytes(server: tuple[str, Process]) -> None:
    for data in (b"", b"<a", b"Session"):
        with pytest.raises(PeerError):
            server[1].read(data)


def test_mono_and_saaj_ignore_must_understand_of_unknown_blocks(server: tuple[str, Process]) -> None:
    must = UnknownHeaderBlock(
        b'<t xmlns="urn:t" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:mustUnderstand="1"/>'
    )
    answer = server[1].serve(encode(Envelope(Header(must, Session("9F2C")), EXECUTE)), "", ["9F2C"])
    fault = decode(answer.data, direction=Direction.RESPONSE).fault
    # A mistake: SOAP 1.1 §4.2.3 requires the fault that PHP and SOAP::Lite send.
    assert (fault.code if fault else None) == (None if server[0] in {"Mono", "SAAJ"} else "MustUnderstand")


def test_soap_lite_refuses_a_session_marked_must_understand(server: tuple[str, Process]) -> None:
    marked = Session("9F2C", must_understand=True)
    answer = server[1].serve(encode(Envelope(Header(marked), EXECUTE)), "", ["9F2C"])
    fault = decode(answer.data, direction=Direction.RESPONSE).fault
    # A mistake: its server understands no header block, whatever its methods read.
    assert (fault.code if fault else None) == ("MustUnderstand" if server[0] == "SOAP::Lite" else None)


@pytest.mark.parametrize(("peer", "kind"), WRONG)
def test_peer_writes_another_id_than_it_was_given(peer: str, kind: str) -> None:
    # A mistake: without escaping, XML 1.0 §3.3.3 makes another id of it.
    provider = Provider()
    with served(provider) as url:
        _peer(peer).call(url, "Session", IDS[kind], must_understand=False)
    (header,) = provider.seen
    assert header.session == Session(as_written(peer, kind))
    assert as_written(peer, kind) != IDS[kind]
