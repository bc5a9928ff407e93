"""npm's soap as a client and a reader; its mistakes are asserted."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.loopback import served
from tests.provider import EXECUTE, IDS, Provider
from xmla_headers import (
    BeginSession,
    EndSession,
    Envelope,
    FaultShape,
    Header,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    UnknownHeaderBlock,
    encode,
    session_not_found,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Peer = Callable[..., list[dict[str, Any]]]

HERE = Path(__file__).parent
FILES = ["package.json", "package-lock.json", "peer.js"]
SECONDS = 120.0


def _run(*command: str, cwd: Path, data: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, input=data, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
    )


@pytest.fixture(name="peer", scope="module")
def _peer(pytestconfig: pytest.Config) -> Peer:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    assert pytestconfig.cache is not None
    sources = [(name, (HERE / "node" / name).read_bytes()) for name in FILES]
    lock = hashlib.sha256(dict(sources)["package-lock.json"]).hexdigest()[:16]
    # The folder is outside the sources and is kept for the next run.
    folder = pytestconfig.cache.mkdir(f"node-{lock}")
    for name, content in sources:
        (folder / name).write_bytes(content)
    if not (folder / "node_modules" / ".installed").exists():
        try:
            installed = _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install soap within {SECONDS:.0f} seconds")
        if installed.returncode:
            complaints = [line for line in installed.stderr.splitlines() if "error" in line.lower()]
            pytest.skip(f"npm cannot install soap: {'; '.join(complaints[:2])}")
        (folder / "node_modules" / ".installed").touch()

    def peer(**asked: Any) -> list[dict[str, Any]]:
        result = _run(
            node, "peer.js", cwd=folder, data=json.dumps({"wsdl": str(HERE / "xmla.wsdl"), **asked})
        )
        assert result.returncode == 0, result.stderr
        answers: list[dict[str, Any]] = json.loads(result.stdout)
        return answers

    return peer


def attributes_read(answer: dict[str, Any], name: str) -> dict[str, str]:
    """Return the attributes of a header block, with the names as written."""
    return {key: value for key, value in answer[name]["attributes"].items() if not key.startswith("xmlns")}


def test_node_soap_runs_sessions_with_every_id(peer: Peer) -> None:
    provider = Provider(ids=iter(IDS.values()), every_reply=True)
    round_trip = [
        {"block": "BeginSession"},
        *[{"block": "Session", "id": None}] * 3,
        {"block": "EndSession", "id": None},
    ]
    with served(provider) as url:
        answers = peer(url=url, steps=round_trip * len(IDS))
    read = [attributes_read(answer["header"], "Session")["SessionId"] for answer in answers]
    assert read == [session_id for session_id in IDS.values() for _ in round_trip]
    written = [getattr(header.session_header, "session_id", None) for header in provider.seen]
    assert written == [granted for session_id in IDS.values() for granted in (None, *[session_id] * 4)]
    assert (provider.sessions, provider.complaints) == ({}, [])


@pytest.mark.parametrize(
    ("attribute", "form"),
    [
        ("soap:mustUnderstand", MustUnderstandForm.QUALIFIED),
        ("mustUnderstand", MustUnderstandForm.UNQUALIFIED),
    ],
)
def test_decode_reads_must_understand_of_node_soap(
    peer: Peer, attribute: str, form: MustUnderstandForm
) -> None:
    provider = Provider()
    steps = [
        {"block": "BeginSession", "mustUnderstand": attribute},
        {"block": "Session", "id": None, "mustUnderstand": attribute},
        {"block": "EndSession", "id": None, "mustUnderstand": attribute},
    ]
    with served(provider) as url:
        peer(url=url, steps=steps)
    assert provider.asked == ["BeginSession", "Session", "EndSession"]
    for header in provider.seen:
        block = header.session_header
        assert block is not None
        assert (block.must_understand, block.must_understand_form) == (True, form)


def test_node_soap_begins_again_after_a_loss(peer: Peer) -> None:
    answered = count(1)
    provider = Provider(ids=iter(["é😀<1>&'\"", "2"]))
    # The sessions are lost after the second answer.
    provider.on_request = lambda: provider.forget() if next(answered) == 2 else None
    known = {"block": "Session", "id": None}
    begin, end = {"block": "BeginSession"}, {"block": "EndSession", "id": None}
    with served(provider) as url:
        answers = peer(url=url, steps=[begin, known, known, begin, known, end])
    assert [header.session for header in provider.seen] == [
        None,
        Session("é😀<1>&'\""),
        Session("é😀<1>&'\""),
        None,
        Session("2"),
        None,
    ]
    assert [answer.get("fault", {}).get("faultcode") for answer in answers] == [
        None,
        None,
        session_not_found("").code,
        None,
        None,
        None,
    ]
    assert provider.seen[-1].end_session == EndSession("2")
    assert (provider.sessions, provider.complaints) == ({}, [])


@pytest.mark.parametrize("shape", [FaultShape.SSAS, FaultShape.SOAP_1_1])
def test_node_soap_reads_a_session_not_found_fault(peer: Peer, shape: FaultShape) -> None:
    provider = Provider(shape=shape)
    with served(provider) as url:
        answers = peer(
            url=url,
            steps=[
                {"block": "BeginSession"},
                {"block": "Session", "id": "a<b>"},
                {"block": "BeginSession"},
                {"block": "Session", "id": None},
            ],
        )
    fault = session_not_found("a<b>")
    assert (answers[1]["fault"]["faultcode"], answers[1]["fault"]["faultstring"]) == (
        fault.code,
        fault.string,
    )
    assert answers[1]["fault"]["detail"]["Error"]["attributes"]["ErrorCode"] == "3238789130"
    assert attributes_read(answers[2]["header"], "Session")["SessionId"] == "session-2"
    assert answers[3] == {"header": None}


UNKNOWN = UnknownHeaderBlock(b'<w:Security xmlns:w="urn:w"><w:Session SessionId="no"/></w:Security>')


def test_node_soap_reads_every_block_of_encode(peer: Peer) -> None:
    cases: list[tuple[HeaderBlock, dict[str, str]]] = []
    for form, names in {
        None: ["soap:mustUnderstand"],
        MustUnderstandForm.QUALIFIED: ["soap:mustUnderstand"],
        MustUnderstandForm.UNQUALIFIED: ["mustUnderstand"],
        MustUnderstandForm.BOTH: ["soap:mustUnderstand", "mustUnderstand"],
    }.items():
        marks = dict.fromkeys(names, "1")
        cases.append((BeginSession(must_understand=True, must_understand_form=form), marks))
        for block_type in (Session, EndSession):
            for session_id in IDS.values():
                plain = {"SessionId": session_id}
                cases.append((block_type(session_id), plain))
                marked = block_type(session_id, must_understand=True, must_understand_form=form)
                cases.append((marked, {**plain, **marks}))
    messages = [encode(Envelope(Header(UNKNOWN, block, UNKNOWN), EXECUTE)).decode() for block, _ in cases]
    for (block, expected), answer in zip(cases, peer(messages=messages), strict=True):
        header = answer["object"]["Header"]
        assert attributes_read(header, type(block).__name__) == expected


# Mistakes of the peer.


def test_node_soap_ignores_the_namespace_of_a_block(peer: Peer) -> None:
    # A mistake: an element in another namespace is another block.
    data = encode(
        Envelope(Header(UnknownHeaderBlock(b'<o:Session xmlns:o="urn:o" SessionId="no"/>')), EXECUTE)
    )
    (answer,) = peer(messages=[data.decode()])
    assert attributes_read(answer["object"]["Header"], "Session") == {"SessionId": "no"}


def test_node_soap_accepts_a_duplicate_block(peer: Peer) -> None:
    # A mistake: the element may occur once.
    data = encode(Envelope(Header(Session("first")), EXECUTE)).decode()
    second = '<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="second"/></soap:Header>'
    (answer,) = peer(messages=[data.replace("</soap:Header>", second)])
    assert [block["attributes"]["SessionId"] for block in answer["object"]["Header"]["Session"]] == [
        "first",
        "second",
    ]


def test_node_soap_keeps_unescaped_white_space(peer: Peer) -> None:
    # A mistake: XML 1.0 §3.3.3 replaces them by spaces, and all other peers do.
    data = encode(Envelope(Header(Session("HERE")), EXECUTE)).decode()
    (answer,) = peer(messages=[data.replace("HERE", "a\tb\nc")])
    assert attributes_read(answer["object"]["Header"], "Session") == {"SessionId": "a\tb\nc"}
