"""spyne as a server: it reads our messages and we read its messages; its mistakes are asserted."""

from __future__ import annotations

import http.client
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.loopback import SECONDS, served
from tests.provider import EXECUTE, IDS, action_of
from xmla_headers import (
    XMLA_NS,
    BeginSession,
    Code,
    EndSession,
    Envelope,
    Header,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    UnknownHeaderBlock,
    decode,
    encode,
    with_blocks,
)

with warnings.catch_warnings():
    # spyne imports deprecated modules, through a deprecated importer.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", ImportWarning)
    pytest.importorskip("spyne", reason="spyne is not installed; it runs on CPython 3.11 and older")
    from spyne import Application, ComplexModel, Fault, ServiceBase, Unicode, XmlAttribute, rpc
    from spyne.protocol.soap import Soap11
    from spyne.server.wsgi import WsgiApplication

if TYPE_CHECKING:
    from collections.abc import Iterator


class BeginSessionHeader(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA_NS
    __type_name__ = "BeginSession"


class SessionHeader(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA_NS
    __type_name__ = "Session"
    SessionId = XmlAttribute(Unicode)


class EndSessionHeader(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA_NS
    __type_name__ = "EndSession"
    SessionId = XmlAttribute(Unicode)


@dataclass
class Spyne:
    """A service of spyne that records the blocks it reads and writes a given id."""

    url: str = ""
    grants: str | None = None
    refuses: str | None = None
    #: The sessions that it keeps, and the ids that it will grant; None if it keeps none.
    sessions: set[str] | None = None
    ids: Iterator[str] = field(default_factory=lambda: iter(()))
    read: list[tuple[str, str | None]] = field(default_factory=list)

    def follow(self, name: str, session_id: str | None) -> str | None:
        """Begin, find or end a session; return the id to grant."""
        assert self.sessions is not None
        if name == "BeginSession":
            granted = next(self.ids)
            self.sessions.add(granted)
            return granted
        if session_id not in self.sessions:
            raise Fault("XMLAnalysisError.0xc10c000a", f"Session '{session_id}' cannot be found")
        if name == "EndSession":
            self.sessions.remove(session_id)
        return None

    def post(self, data: bytes, content_type: str = "text/xml; charset=utf-8") -> tuple[int, bytes]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
        headers = {"Content-Type": content_type, "SOAPAction": action_of("Execute")}
        try:
            connection.request("POST", parts.path, data, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def reads(self, *blocks: HeaderBlock | UnknownHeaderBlock, **arguments: Any) -> list[tuple[str, Any]]:
        """Send an encoded Header; return the blocks as spyne reads them."""
        return self.reads_bytes(encode(Envelope(Header(*blocks), EXECUTE), **arguments))

    def reads_bytes(self, data: bytes, *content_type: str) -> list[tuple[str, Any]]:
        self.read.clear()
        status, answer = self.post(data, *content_type)
        assert status == 200, answer
        return self.read.copy()


@pytest.fixture(name="spyne", scope="module")
def _spyne() -> Iterator[Spyne]:
    spyne = Spyne()

    class Service(ServiceBase):  # type: ignore[misc]
        __in_header__ = (BeginSessionHeader, SessionHeader, EndSessionHeader)
        __out_header__ = SessionHeader

        @rpc(Unicode, Unicode, _returns=Unicode)  # type: ignore[untyped-decorator]
        def Execute(ctx: Any, Command: Any, Properties: Any) -> str:  # noqa: N802, N803, N805, ARG002
            if spyne.refuses is not None:
                raise Fault("Client.Session", spyne.refuses)
            for header in ctx.in_header or ():
                if header is not None:
                    spyne.read.append((header.get_type_name(), getattr(header, "SessionId", None)))
            granted = spyne.grants if spyne.sessions is None else spyne.follow(*spyne.read[-1])
            if granted is not None:
                ctx.out_header = SessionHeader(SessionId=granted)
            return "done"

    application = Application([Service], XMLA_NS, in_protocol=Soap11(validator="soft"), out_protocol=Soap11())
    with served(WsgiApplication(application)) as spyne.url:
        yield spyne


FORMS = [None, *MustUnderstandForm]
ids = pytest.mark.parametrize("session_id", IDS.values(), ids=IDS)
UNKNOWN = (
    UnknownHeaderBlock(b'<Version xmlns="urn:v" Sequence="400"/>'),
    UnknownHeaderBlock(b'<w:Security xmlns:w="urn:w"><w:Session SessionId="no"/></w:Security>'),
    UnknownHeaderBlock(b'<o:Session xmlns:o="urn:other" SessionId="no"/>'),
    UnknownHeaderBlock(b'<Session SessionId="no"/>'),
)


@ids
@pytest.mark.parametrize("block_type", [Session, EndSession])
def test_spyne_reads_the_ids_of_encode(spyne: Spyne, block_type: type[Session], session_id: str) -> None:
    assert spyne.reads(block_type(session_id)) == [(block_type.__name__, session_id)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block", [BeginSession(), Session("9F2C"), EndSession("9F2C")])
def test_spyne_reads_every_form_of_must_understand(
    spyne: Spyne, block: HeaderBlock, form: MustUnderstandForm | None
) -> None:
    read = [(type(block).__name__, getattr(block, "session_id", None))]
    assert spyne.reads(block) == read
    assert spyne.reads(replace(block, must_understand=True, must_understand_form=form)) == read
    assert spyne.reads(replace(block, must_understand=True), must_understand_form=form) == read


@pytest.mark.parametrize("place", range(len(UNKNOWN) + 1))
def test_spyne_finds_a_session_among_unknown_blocks(spyne: Spyne, place: int) -> None:
    assert spyne.reads(*UNKNOWN[:place], Session("a<b"), *UNKNOWN[place:]) == [("Session", "a<b")]


def test_spyne_reads_a_session_with_other_attributes(spyne: Spyne) -> None:
    block = Session("9F2C", actor="urn:a", other_attributes=(("{urn:wsu}Id", "<1>"),))
    assert spyne.reads(block) == [("Session", "9F2C")]


def test_spyne_reads_a_header_of_with_blocks(spyne: Spyne) -> None:
    data = encode(Envelope(Header(*UNKNOWN), EXECUTE))
    for session_id in IDS.values():
        data = with_blocks(data, Session(session_id))
        assert spyne.reads_bytes(data) == [("Session", session_id)]


def spliced(codec: str, session_id: str) -> bytes:
    text = encode(Envelope(Header(Session("x")), EXECUTE)).decode()
    data = f'<?xml version="1.0" encoding="{codec}"?>{text}'.encode(codec)
    return with_blocks(data, Session(session_id))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1", "us-ascii"])
@pytest.mark.parametrize("named", [True, False])
def test_spyne_reads_an_id_of_with_blocks_in_any_encoding(spyne: Spyne, codec: str, *, named: bool) -> None:
    content_type = f"text/xml; charset={codec}" if named else "text/xml"
    assert spyne.reads_bytes(spliced(codec, "é😀<\t"), content_type) == [("Session", "é😀<\t")]


@ids
@pytest.mark.parametrize("asked", [BeginSession(), Session("x"), None])
def test_decode_reads_the_ids_of_spyne(spyne: Spyne, asked: HeaderBlock | None, session_id: str) -> None:
    spyne.grants = session_id
    try:
        status, answer = spyne.post(encode(Envelope(Header(*([asked] if asked else [])), EXECUTE)))
    finally:
        spyne.grants = None
    assert status == 200
    padded = session_id != session_id.strip(" \t\r\n")
    envelope = decode(answer, deep=True)
    assert envelope.header == Header(Session(session_id))
    assert [finding.code for finding in envelope.warnings] == [Code.PADDED_SESSION_ID] * padded


def test_decode_reads_the_faults_of_spyne(spyne: Spyne) -> None:
    spyne.refuses = "the session 'a<b>&' cannot be found"
    try:
        status, answer = spyne.post(encode(Envelope(Header(Session("9F2C")), EXECUTE)))
    finally:
        spyne.refuses = None
    fault = decode(answer, strict=True, deep=True).fault
    assert status == 500
    assert fault is not None
    assert (fault.code, fault.string) == ("Client.Session", "the session 'a<b>&' cannot be found")
    assert fault.session_lost is False


def test_our_client_recovers_from_the_loss_at_spyne(spyne: Spyne) -> None:
    requests = pytest.importorskip("requests", reason="requests is not installed")
    from requests_client import XmlaClient

    first = "é😀<1>&'\""
    spyne.read.clear()
    spyne.sessions, spyne.ids = set(), iter([first, "2"])
    try:
        with requests.Session() as http:
            http.trust_env = False
            client = XmlaClient(http, spyne.url)
            for _ in range(2):
                assert client.call("Execute", EXECUTE).fault is None
            assert (client.conversation.session_id, spyne.sessions) == (first, {first})
            spyne.sessions.clear()
            assert client.call("Execute", EXECUTE).fault is None
            assert (client.conversation.session_id, spyne.sessions) == ("2", {"2"})
            assert client.end().fault is None
            assert spyne.sessions == set()
    finally:
        spyne.sessions = None
    read = [("BeginSession", None), ("Session", first), ("Session", first)]
    assert spyne.read == [*read, ("BeginSession", None), ("EndSession", "2")]


# Mistakes of the peer.


@pytest.mark.parametrize(
    ("written", "read"), [("a\tb", "a b"), ("a\nb", "a b"), ("a\r\nb", "a b"), ("a\rb", "a b")]
)
def test_spyne_normalizes_unescaped_white_space(spyne: Spyne, written: str, read: str) -> None:
    # XML 1.0 §3.3.3 requires this, so encode escapes white space. Other writers lose it.
    data = encode(Envelope(Header(Session("HERE")), EXECUTE)).replace(b"HERE", written.encode())
    assert spyne.reads_bytes(data) == [("Session", read)]
    assert decode(data).header.session == Session(read)


def test_spyne_reads_the_last_duplicate_that_decode_refuses(spyne: Spyne) -> None:
    data = encode(Envelope(Header(Session("first"), UNKNOWN[0]), EXECUTE))
    second = b'<Session xmlns="%b" SessionId="second"/></soap:Header>' % XMLA_NS.encode()
    # A mistake: the element may occur once.
    assert spyne.reads_bytes(data.replace(b"</soap:Header>", second)) == [("Session", "second")]


def test_spyne_accepts_two_session_headers(spyne: Spyne) -> None:
    # A mistake, or at least undefined: the header that the service reads first wins.
    read = spyne.reads(EndSession("b"), Session("a"), BeginSession())
    assert read == [("BeginSession", None), ("Session", "a"), ("EndSession", "b")]


def test_spyne_ignores_must_understand_of_unknown_blocks(spyne: Spyne) -> None:
    # A mistake: SOAP 1.1 §4.2.3 requires a MustUnderstand fault.
    must = UnknownHeaderBlock(
        b'<t xmlns="urn:t" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:mustUnderstand="1"/>'
    )
    assert spyne.reads(must, Session("9F2C")) == [("Session", "9F2C")]


def test_spyne_accepts_a_session_without_an_id(spyne: Spyne) -> None:
    # A mistake: the attribute is required. This library cannot write such a Session.
    data = encode(Envelope(Header(Session("")), EXECUTE))
    assert spyne.reads_bytes(data) == [("Session", "")]
    assert spyne.reads_bytes(data.replace(b' SessionId=""', b"")) == [("Session", None)]


@pytest.mark.parametrize("charset", ["utf-8", "no-such-charset"])
def test_spyne_wrong_charset_raises_no_client_fault(spyne: Spyne, charset: str) -> None:
    # A mistake: an exception reaches the server; a Client fault would be right.
    status, answer = spyne.post(spliced("utf-16", "9F2C"), f"text/xml; charset={charset}")
    assert status == 500
    assert b"Fault" not in answer
