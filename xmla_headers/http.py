"""The HTTP binding, pure: header fields and status codes as values. Nothing is sent or received."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from mmap import mmap
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar, overload

from ._checks import member_of, wrong_type
from ._codec.options import buffer_of
from .envelope import Envelope
from .fault import FaultShape
from .session_headers import BeginSession
from .soap import XMLA_NS, AnySoapVersion, MustUnderstandForm, SoapVersion
from .typing import Data

__all__ = [
    "DIALECTS",
    "SESSION_ID_FIELDS",
    "Dialect",
    "charset_of",
    "request_headers",
    "session_id_of",
    "split_continuation",
    "status_of",
]

Text: TypeAlias = str | bytes
DataT = TypeVar("DataT", bytes, bytearray, memoryview)

SESSION_ID_FIELDS: Final = ("x-as-sessionid", "x-ms-xmlasession-id")
"""The header fields that carry a session id, in lower case: of Analysis Services over HTTP, of Power BI."""

_METHODS = ("Discover", "Execute")

# A quoted parameter is skipped as a whole: it may contain the word. A charset need not follow a semicolon:
# fields that were sent twice are joined by a comma, and some senders forget it.
_PARAMETER = re.compile(
    r"""(?isx)
    "(?:[^"\\]|\\.)*+"?
    | (?<![^;,\s]) charset \s*+ = \s*+
      (?: "(?P<quoted>(?:[^"\\]|\\.)*+) | '(?P<single>[^']*+) | (?P<token>[^\s;,"']*+) )
    """
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

# How many bytes at the end of a message are searched for the end of its root element.
_TAIL = 4_096
_WHITE_SPACE = b" \t\r\n"
_CONTINUATIONS = {0: False, 1: True}
# The first two bytes of UTF-16: a byte order mark, or "<" in one of the orders.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


def charset_of(content_type: Text | None) -> str | None:
    """Return the charset of a Content-Type: the argument `encoding` of `decode`.

    It is read as deployed software writes it: in any letter case, in double or single quotes or none, with
    spaces around the equals sign, without a semicolon before it. The first of several charsets counts.

    Args:
        content_type: The value of the header field; None if there is none.

    Returns:
        The charset in lower case, known to `decode` or not; None if there is none, or an empty one.

    Raises:
        TypeError: `content_type` is neither text nor None.

    >>> charset_of('text/xml; Charset="UTF-8"')
    'utf-8'
    >>> charset_of("text/xml") is None
    True
    """
    if content_type is None:
        return None
    for match in _PARAMETER.finditer(_text("content_type", content_type)):
        quoted = match["quoted"]
        value = _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None else match["single"] or match["token"]
        if value and value.strip():
            return value.strip().lower()
    return None


def request_headers(
    method: Literal["Discover", "Execute"], *, soap: AnySoapVersion = SoapVersion.SOAP_1_1
) -> dict[str, str]:
    """Return the header fields of a request that is written by `encode`.

    Args:
        method: The XMLA method in the Body, "Discover" or "Execute".
        soap: The version of SOAP of the message: a member, "1.1" or "1.2". No XMLA server is known to
            accept 1.2.

    Returns:
        Name -> value: Content-Type and SOAPAction (SOAP 1.1 §6.1.1); for SOAP 1.2, Content-Type alone, whose
        parameter `action` replaces SOAPAction (RFC 3902).

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `method` or `soap` has an unknown value.

    >>> request_headers("Discover")["SOAPAction"]
    '"urn:schemas-microsoft-com:xml-analysis:Discover"'
    """
    if not isinstance(method, str):
        raise wrong_type("method", "str", method)
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, _METHODS))}")
    action = f'"{XMLA_NS}:{method}"'
    if member_of(SoapVersion, "soap", soap) is SoapVersion.SOAP_1_2:
        return {"Content-Type": f"application/soap+xml; charset=utf-8; action={action}"}
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}


def status_of(envelope: Envelope) -> int:
    """Return the HTTP status of an answer.

    SOAP 1.1 §6.2 asks for 500 with every fault. Some clients read no Body that comes with 500 (xmla4js), so
    a server may have to answer them with 200.

    Args:
        envelope: The answer.

    Returns:
        200 for an answer without a fault; 500 for a fault, except 400 for a SOAP 1.2 fault with the code
        Sender (SOAP 1.2 Part 2 §7.5.2.2, table 20).

    Raises:
        TypeError: `envelope` is not an Envelope.

    >>> status_of(Envelope())
    200
    >>> status_of(Envelope(body=session_not_found("8f1c2b3a").to_body()))
    500
    """
    if not isinstance(envelope, Envelope):
        raise wrong_type("envelope", "Envelope", envelope)
    fault = envelope.fault
    if fault is None:
        return 200
    return 400 if envelope.soap is SoapVersion.SOAP_1_2 and fault.code == "Sender" else 500


def session_id_of(headers: Mapping[str, str] | Iterable[tuple[Text, Text]]) -> str | None:
    """Return the session id in the header fields of a request or response.

    Args:
        headers: The header fields: a mapping of name to value, or pairs, as text or as the bytes of ASGI.
            Names count in any letter case.

    Returns:
        The value of the first X-AS-SessionID (Analysis Services), otherwise of the first x-ms-xmlasession-id
        (Power BI); None if there is none, or an empty one. It is a secret, as in a Session header.

    Raises:
        TypeError: `headers` has another type, or a name or value that is no text.

    >>> session_id_of({"X-AS-SessionID": "8f1c2b3a"})
    '8f1c2b3a'
    """
    found: dict[str, str] = {}
    for given, value in _pairs(headers):
        name = _text("the name of a header field", given).lower()
        if name in SESSION_ID_FIELDS:
            session_id = _text("the value of a header field", value).strip()
            if session_id:
                found.setdefault(name, session_id)
    return next((found[name] for name in SESSION_ID_FIELDS if name in found), None)


@overload
def split_continuation(data: mmap) -> tuple[bytes | mmap, bool | None]: ...
@overload
def split_continuation(data: DataT) -> tuple[DataT, bool | None]: ...


def split_continuation(data: Data) -> tuple[Data, bool | None]:
    r"""Take the continuation byte off an answer of Power BI, which ends in one byte after the Envelope.

    `decode` reads one XML document, and refuses the byte with `not-well-formed`.

    Args:
        data: The bytes of the answer: any data that `decode` accepts.

    Returns:
        The data without the byte, and whether another message continues it: False for 0x00, True for 0x01;
        the data itself and None if it does not end in such a byte after markup. The part of a memoryview is
        one, too; that of a map is bytes, so that the map can be closed.

    Raises:
        TypeError: `data` is not a buffer of bytes.

    >>> split_continuation(b"<Envelope/>\x01")
    (b'<Envelope/>', True)
    """
    # The slices of a map are bytes; its whole is not copied.
    view = data if isinstance(data, mmap) else buffer_of(data)
    size = len(view)
    continuation = _CONTINUATIONS.get(view[-1]) if size else None
    tail = bytes(view[-_TAIL - 1 : -1])
    if bytes(view[:2]) in _UTF_16:
        # Two bytes a character: in little-endian order, every ">" ends in a zero byte.
        continuation = continuation if size % 2 else None
        tail = tail.replace(b"\0", b"")
    if continuation is None or not tail.rstrip(_WHITE_SPACE).endswith(b">"):
        return data, None
    # A memoryview may have items of several bytes, and a bytearray stays one.
    return (data if isinstance(data, bytearray) else view)[:-1], continuation


def _pairs(headers: object) -> Iterator[tuple[object, object]]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    if isinstance(pairs, str | bytes) or not isinstance(pairs, Iterable):
        raise wrong_type("headers", "a mapping or pairs of name and value", headers)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise wrong_type("a header field", "a pair of name and value", pair)
        yield pair[0], pair[1]


def _text(name: str, value: object) -> str:
    if isinstance(value, bytes):
        # RFC 9110 §5.5: historically ISO-8859-1, and any bytes decode as such.
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise wrong_type(name, "str or bytes", value)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The habits and needs of one server or client, where deployed software disagrees.

    >>> DIALECTS["mondrian"].fault_status
    200
    """

    name: str
    """The name of the software."""
    side: Literal["client", "server"]
    """Which side it is."""
    must_understand_form: MustUnderstandForm | None = None
    """Server: the spelling without which it ignores a session header; None if it reads every spelling.
    Client: the spelling that it writes; None if it marks no block."""
    fault_shape: FaultShape | None = None
    """Server: the shape of its faults. Client: the one shape that it reads in full. None: any, or unknown."""
    fault_status: int | None = None
    """Server: the HTTP status of its faults. Client: the one status with which it reads a fault. None: any,
    or unknown."""
    session_attribute: str = "SessionId"
    """The name of the attribute with the session id."""
    repeats_session: bool | None = None
    """Server: whether each answer in a session has a Session, or only the one that grants it; None if not
    known."""
    note: str = ""
    """Anything else to know, in one sentence or a few."""
    source: str
    """Where this is from: code, documentation or recordings."""

    def begin_session(self) -> BeginSession:
        """Return the BeginSession for a conversation with this server, or as this client writes it.

        Returns:
            A BeginSession with the spelling of mustUnderstand; unmarked where no spelling is needed.

        >>> DIALECTS["mondrian"].begin_session()
        BeginSession(must_understand=True, must_understand_form=UNQUALIFIED)
        """
        form = self.must_understand_form
        return BeginSession(must_understand=form is not None, must_understand_form=form)


_UNQUALIFIED, _QUALIFIED = MustUnderstandForm.UNQUALIFIED, MustUnderstandForm.QUALIFIED

# A row needs a source: code that was read, documentation, or a recording.
DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "analysis-services": Dialect(
            name="Analysis Services",
            side="server",
            fault_shape=FaultShape.SSAS,
            repeats_session=False,
            note="It answers SOAP 1.2 with a fault.",
            source="MS-SSAS 3.1.3; recordings of 2016",
        ),
        "mondrian": Dialect(
            name="Mondrian, olap4j-xmlaserver",
            side="server",
            must_understand_form=_UNQUALIFIED,
            fault_shape=FaultShape.SOAP_1_1,
            fault_status=200,
            repeats_session=True,
            note="It takes both spellings together, too. It echoes ids unescaped. With the encoding UTF-8"
            ' its faults are ISO-8859-1 under a UTF-8 label: read them with encoding="iso-8859-1".',
            source="pentaho/mondrian, DefaultXmlaServlet.java; recordings",
        ),
        "emondrian": Dialect(
            name="eMondrian",
            side="server",
            fault_shape=FaultShape.SOAP_1_1,
            repeats_session=True,
            note="Its encodings are those of Mondrian. A missing SessionId gets the number of a lost session,"
            " and the answer to EndSession of an unknown session breaks off.",
            source="SergeiSemenkov/mondrian, branch eMondrian; recordings",
        ),
        "kylin": Dialect(
            name="Kylin MDX",
            side="server",
            fault_shape=FaultShape.SSAS,
            repeats_session=False,
            note="It registers every id that it sees. Power BI gets faults in the shape of Mondrian.",
            source="Kyligence/mdx-kylin, DefaultXmlaServlet.java",
        ),
        "daanse": Dialect(
            name="Eclipse Daanse",
            side="server",
            repeats_session=True,
            note="It answers an unknown session without a fault, and fails on a mustUnderstand that is true.",
            source="eclipse-daanse, SessionHeaderParser.java, SessionDispatcher.java",
        ),
        "olapy": Dialect(
            name="olapy",
            side="server",
            repeats_session=True,
            note="It ignores the session headers of requests, and names its own session in every answer.",
            source="abilian/olapy; recordings",
        ),
        "virtuoso": Dialect(
            name="Virtuoso",
            side="server",
            fault_status=500,
            session_attribute="SessionID",
            note="It reads SessionID alone, and marks its answers mustUnderstand=1.",
            source="the documentation of Virtuoso, and its code",
        ),
        "adomd.net": Dialect(
            name="ADOMD.NET: Management Studio, Power BI",
            side="client",
            must_understand_form=_QUALIFIED,
            note="A self-closing Header in an answer upsets it; encode leaves an empty Header out.",
            source="recordings",
        ),
        "msolap": Dialect(
            name="MSOLAP 16, 17: current Excel",
            side="client",
            note="Its BeginGetSessionToken is in no namespace.",
            source="recordings",
        ),
        "excel-2007": Dialect(
            name="Excel 2000 to 2007",
            side="client",
            must_understand_form=_UNQUALIFIED,
            source="recordings",
        ),
        "olap.xmla": Dialect(
            name="olap.xmla for Python",
            side="client",
            must_understand_form=_UNQUALIFIED,
            note="It fails if no Session comes back for its BeginSession.",
            source="may-day/olap; recordings",
        ),
        "radarsoft": Dialect(
            name="RadarSoft xmla-client",
            side="client",
            must_understand_form=_QUALIFIED,
            note="It gives up if no Session comes back for its BeginSession.",
            source="RadarSoft/xmla-client, SessionHeader.cs, XmlaCommand.cs",
        ),
        "xmla4js": Dialect(
            name="xmla4js",
            side="client",
            fault_status=200,
            note="It sends no session headers, and reads no Body that comes with status 500.",
            source="rpbouman/xmla4js, Xmla.js; recordings",
        ),
        "gsoap": Dialect(
            name="gSOAP",
            side="client",
            fault_shape=FaultShape.SOAP_1_1,
            note="It cannot read a fault in the shape of Analysis Services with two Errors.",
            source="tests with gSOAP 2.8.124",
        ),
        "soapbar": Dialect(
            name="soapbar",
            side="client",
            fault_shape=FaultShape.SOAP_1_1,
            note="It finds neither code nor text in a fault in the shape of Analysis Services.",
            source="tests with soapbar 0.21.0",
        ),
        "axis": Dialect(
            name="Apache Axis 1.4",
            side="client",
            note="It refuses an answer whose Session is marked mustUnderstand.",
            source="tests with Axis 1.4",
        ),
        ".net": Dialect(
            name=".NET System.Web.Services",
            side="client",
            note="It takes a Fault without a detail for a fault about a header.",
            source="tests with Mono 6.8",
        ),
    }
)
"""The habits and needs of servers and clients, by a short name; the documentation shows it as a table."""
