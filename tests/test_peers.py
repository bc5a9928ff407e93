"""The peers of the benchmarks do the measured job, and declare which broken messages they accept."""

from __future__ import annotations

import re
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import _messages, lenience, peers
from benchmarks.peers import SOAP, XMLA, Block, Peer
from xmla_headers import Code, Header, Session, XmlaHeadersError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="peer", params=peers.NAMES)
def _peer(request: pytest.FixtureRequest) -> Peer:
    with warnings.catch_warnings():
        # Other packages may import deprecated modules.
        warnings.simplefilter("ignore")
        found = peers.peer(request.param)
    if not isinstance(found, Peer):
        pytest.skip(found)
    return found


def _messages_to_read() -> Iterator[tuple[str, bytes]]:
    chance = _messages.seeded()
    yield "BeginSession and Discover", _messages.discover(450, chance)
    yield "Session and Execute", _messages.request(450, chance)
    yield "SOAP not prefixed", _messages.request(450, chance, prefixed=False)
    yield "Session and Execute, longer", _messages.request(2_000, chance)
    yield "three blocks", _messages.first_request(chance)
    yield "answer", _messages.answer(9_000, chance)


MESSAGES = dict(_messages_to_read())


def _as_decoded(data: bytes) -> list[Block]:
    return [
        Block(block.qname, getattr(block, "session_id", None), block.must_understand)
        for block in decode(data).header
    ]


@pytest.mark.parametrize("name", MESSAGES)
def test_peer_reads_each_measured_message(peer: Peer, name: str) -> None:
    if name == "answer" and peer.no_answers:
        assert peer.no_answers.startswith(f"{peer.name}: ")
        return
    found, expected = peer.read(MESSAGES[name]), _as_decoded(MESSAGES[name])
    if peer.ignores_unknown_blocks:
        expected = [block for block in expected if block.name.startswith(f"{{{XMLA}}}")]
    if peer.ignores_must_understand:
        expected = [block._replace(must_understand=False) for block in expected]
    assert found.blocks == expected
    assert found.body is not None


def test_peer_writes_the_measured_request(peer: Peer) -> None:
    if isinstance(peer.write, str):
        assert peer.write.startswith(f"{peer.name}: ")
        return
    source = decode(_messages.request(2_000, _messages.seeded()))
    written = decode(peer.write('a<b>&"c', source.body.xml))
    assert written.header == Header(Session('a<b>&"c'))
    (element,) = written.body.elements()
    (original,) = source.body.elements()
    assert [(part.tag, part.text) for part in element.iter()] == [
        (part.tag, part.text) for part in original.iter()
    ]


def test_peer_reads_a_message_in_pieces(peer: Peer) -> None:
    if isinstance(peer.stream, str):
        assert peer.stream.startswith(f"{peer.name}: ")
        return
    message = MESSAGES["answer"]
    chunks = [message[start : start + 100] for start in range(0, len(message), 100)]
    root = peer.stream(chunks)
    assert getattr(root, "tag", None) == f"{{{SOAP}}}Envelope"


_SESSION = f'<Session xmlns="{XMLA}" SessionId="a"/>'
_HEADER = f"<s:Header>{_SESSION}</s:Header>"
_EXECUTE = f'<Execute xmlns="{XMLA}"><Command><Statement>a</Statement></Command><Properties/></Execute>'
_BODY = f"<s:Body>{_EXECUTE}</s:Body>"


def _message(
    content: str = _HEADER + _BODY,
    *,
    before: str = "",
    behind: str = "",
    soap: str = SOAP,
    root: str = "Envelope",
) -> bytes:
    return f'{before}<s:{root} xmlns:s="{soap}">{content}</s:{root}>{behind}'.encode()


def _header(content: str) -> bytes:
    return _message(f"<s:Header>{content}</s:Header>{_BODY}")


def _marked(*attributes: str) -> bytes:
    return _header(_SESSION.replace("/>", f" {' '.join(attributes)}/>"))


# The defect -> a message that decode refuses, and the code.
REFUSED = {
    "cut off": (_message()[:-20], Code.NOT_WELL_FORMED),
    "unbound prefix": (_header("<x:a/>"), Code.NOT_WELL_FORMED),
    "DOCTYPE": (_message(before="<!DOCTYPE a>"), Code.DTD_FORBIDDEN),
    "DOCTYPE with an entity": (_message(before='<!DOCTYPE a [<!ENTITY b "c">]>'), Code.DTD_FORBIDDEN),
    "processing instruction": (_header(f"{_SESSION}<?a?>"), Code.PROCESSING_INSTRUCTION),
    "processing instruction after it": (_message(behind="<?a?>"), Code.PROCESSING_INSTRUCTION),
    "another root": (_message(root="Envelop"), Code.NOT_AN_ENVELOPE),
    "another SOAP namespace": (_message(soap="urn:soap"), Code.WRONG_SOAP_NAMESPACE),
    "Header after the Body": (_message(_BODY + _HEADER), Code.MISPLACED_HEADER),
    "two Headers": (_message(_HEADER + _HEADER + _BODY), Code.DUPLICATE_HEADER),
    "two Bodies": (_message(_HEADER + _BODY + _BODY), Code.DUPLICATE_BODY),
    "no Body": (_message(_HEADER), Code.MISSING_BODY),
    "element after the Body": (_message(f"{_HEADER}{_BODY}<late/>"), Code.ELEMENT_AFTER_BODY),
    "text in Envelope": (_message(f"text{_HEADER}{_BODY}"), Code.UNEXPECTED_TEXT),
    "text in Header": (_header(f"{_SESSION}text"), Code.UNEXPECTED_TEXT),
    "two Sessions": (_header(_SESSION * 2), Code.DUPLICATE_HEADER_BLOCK),
    "no SessionId": (_header(f'<Session xmlns="{XMLA}"/>'), Code.MISSING_ATTRIBUTE),
    "content of Session": (
        _header(f'<Session xmlns="{XMLA}" SessionId="a"><b/></Session>'),
        Code.UNEXPECTED_CONTENT,
    ),
    "text of Session": (
        _header(f'<Session xmlns="{XMLA}" SessionId="a">b</Session>'),
        Code.UNEXPECTED_CONTENT,
    ),
    "mustUnderstand of 2": (_marked('s:mustUnderstand="2"'), Code.INVALID_MUST_UNDERSTAND),
    "mustUnderstand of true": (_marked('s:mustUnderstand="true"'), Code.INVALID_MUST_UNDERSTAND),
    "two that contradict": (
        _marked('s:mustUnderstand="1"', 'mustUnderstand="0"'),
        Code.CONFLICTING_MUST_UNDERSTAND,
    ),
}


def test_peer_accepts_the_unbroken_message(peer: Peer) -> None:
    assert peer.read(_message()).blocks == [Block(f"{{{XMLA}}}Session", "a")]


def test_peer_returns_no_block_of_a_message_without_header(peer: Peer) -> None:
    assert peer.read(_message(_BODY)).blocks == []


@pytest.mark.parametrize("name", REFUSED)
def test_decode_refuses_each_broken_message(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(XmlaHeadersError) as caught:
        decode(data)
    assert caught.value.code is code


def test_peer_accepts_only_declared_broken_messages(peer: Peer) -> None:
    accepted = set()
    for name, (data, _) in REFUSED.items():
        try:
            peer.read(data)
        except Exception:  # noqa: BLE001 - any of them refuses the message
            continue
        accepted.add(name)
    assert accepted == peer.accepts


FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures.md"


def _documented() -> dict[str, str]:
    """Return the rows of the table of accepted messages, by reader."""
    _, table, _ = re.split("<!-- /?lenience.*-->\n", FIGURES.read_text(encoding="utf-8"))
    return {line.split()[1]: line for line in table.splitlines() if not line.startswith("|---")}


def test_figures_table_has_a_row_for_each_peer() -> None:
    assert list(_documented()) == ["reader", "decode", *peers.NAMES]


@pytest.mark.slow
def test_figures_table_matches_the_peers_of_its_versions() -> None:
    found, documented = lenience.markdown(), _documented()
    assert found.pop("") == documented["reader"]
    assert found.pop("decode") == documented["decode"]
    for name, line in found.items():
        # Another version may accept other messages.
        if _version(name) in documented[name]:
            assert line == documented[name]


def _version(name: str) -> str:
    distribution = peers.distribution(name)
    return "" if distribution is None else f" {version(distribution)} "
