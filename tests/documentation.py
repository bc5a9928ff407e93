"""The pages of the documentation and their examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import xmla_headers
from xmla_headers import Envelope, Fragment, Header, Session, decode, encode, session_not_found

from .capture_files import BEGIN, Exchange, har, lost, message, session
from .scenes import SCENES, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

#: Pages with examples. Those of the recipes are programs, which have tests of their own.
PAGES = [
    ROOT / "README.md",
    *(
        path
        for path in sorted(DOCS.rglob("*.md"))
        if path.relative_to(DOCS).parts[0] not in ("_build", "recipes")
    ),
]

_FENCE = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1)


REQUEST = b"""\
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
  <soap:Header>
    <Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="9F2C1B7E-3D54"/>
  </soap:Header>
  <soap:Body><Discover xmlns="urn:schemas-microsoft-com:xml-analysis"/></soap:Body>
</soap:Envelope>
"""

_AUDIT = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:audit">
  <xs:element name="Audit">
    <xs:complexType><xs:attribute name="UserName" type="xs:string"/></xs:complexType>
  </xs:element>
</xs:schema>
"""


def capture() -> bytes:
    """Return a capture with a session that the server has lost."""
    session_id = "9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E"
    used = message(session(session_id))
    story = [(BEGIN, used), (session(session_id), message()), (session(session_id), lost(session_id))]

    def change(document: dict[str, Any]) -> None:
        document["log"]["entries"][2]["startedDateTime"] = "2026-11-20T10:36:30Z"

    return har([Exchange(message(block), answer) for block, answer in story], change)


def write_files(folder: Path) -> None:
    """Write the files that the examples read."""
    (folder / "request.xml").write_bytes(REQUEST)
    (folder / "broken.xml").write_bytes(REQUEST.replace(b"SessionId", b"SessionID"))
    (folder / "capture.har").write_bytes(capture())
    (folder / "audit.xsd").write_text(_AUDIT, encoding="utf-8")
    for cause, plays in SCENES.items():
        scene = Scene()
        scene.healthy(1)
        next(iter(plays.values()))(scene)
        (folder / f"{cause}.har").write_bytes(scene.har())


class Server:
    """The server of the examples: it grants known ids, and forgets them when it is started again."""

    def __init__(self) -> None:
        self._granted = iter(["9F2C1B7E", "B41D07AA"])
        self._known: set[str] = set()

    def restart(self) -> None:
        self._known.clear()

    def post(self, data: bytes) -> bytes:
        match decode(data).header.session_header:
            case xmla_headers.BeginSession():
                self._known.add(new := next(self._granted))
                return encode(Envelope(Header(Session(new))))
            case Session(session_id) if session_id not in self._known:
                return encode(Envelope(body=session_not_found(session_id).to_body()))
            case _:
                return encode(Envelope(body=Fragment(b"<rows/>")))


def given_names() -> dict[str, Any]:
    """Return the names that the examples take from their reader."""
    server = Server()
    return {"__name__": "example", "server": server, "post": server.post}
