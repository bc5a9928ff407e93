"""The table of what servers and clients write and need."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path

import pytest

from tests.provider import EXECUTE, Provider, _marked_for_mondrian
from xmla_headers import (
    BeginSession,
    Conversation,
    Envelope,
    FaultShape,
    Header,
    MustUnderstandForm,
    Session,
    XmlaHeadersError,
    decode,
    encode,
)
from xmla_headers.http import DIALECTS, Dialect

SERVERS = [key for key, row in DIALECTS.items() if row.side == "server"]
CAPTURED = Path(__file__).parent / "data" / "captured"


@pytest.mark.parametrize("key", DIALECTS)
def test_dialect_is_a_whole_row(key: str) -> None:
    row = DIALECTS[key]
    assert key == key.lower()
    assert key.isprintable()
    assert row.side in ("client", "server")
    assert row.source
    assert not row.note or row.note.endswith(".")
    assert row.fault_shape in (None, *FaultShape)
    assert row.must_understand_form is not MustUnderstandForm.BOTH
    assert pickle.loads(pickle.dumps(row)) == copy.copy(row) == row
    assert dataclasses.replace(row, note="") in (row, dataclasses.replace(row, note=""))


def test_dialects_are_immutable() -> None:
    with pytest.raises(TypeError):
        DIALECTS["mondrian"] = DIALECTS["olapy"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        DIALECTS["mondrian"].note = ""  # type: ignore[misc]


@pytest.mark.parametrize("key", DIALECTS)
def test_begin_session_of_a_dialect_has_its_spelling(key: str) -> None:
    form = DIALECTS[key].must_understand_form
    begin = DIALECTS[key].begin_session()
    assert begin == BeginSession(must_understand=form is not None)
    assert begin.must_understand_form is form
    written = encode(Envelope(Header(begin)))
    assert (b" mustUnderstand=" in written) == (form is MustUnderstandForm.UNQUALIFIED)
    assert (b"soap:mustUnderstand=" in written) == (form is MustUnderstandForm.QUALIFIED)


@pytest.mark.parametrize(
    ("form", "seen"),
    [
        (MustUnderstandForm.UNQUALIFIED, True),
        (MustUnderstandForm.BOTH, True),
        (MustUnderstandForm.QUALIFIED, False),
    ],
)
def test_mondrian_takes_the_unqualified_spelling_beside_another(
    form: MustUnderstandForm, *, seen: bool
) -> None:
    begin = BeginSession(must_understand=True, must_understand_form=form)
    read = decode(encode(Envelope(Header(begin), EXECUTE))).header.begin_session
    assert read is not None
    assert _marked_for_mondrian(read) is seen
    assert not _marked_for_mondrian(BeginSession())


@pytest.mark.parametrize("key", SERVERS)
def test_conversation_with_the_block_of_a_server_begins(key: str) -> None:
    row = DIALECTS[key]
    provider = Provider(mondrian=key == "mondrian", every_reply=bool(row.repeats_session))
    conversation = Conversation(row.begin_session())
    for _ in range(2):
        header = Header(conversation.next_block())
        conversation.request(header)
        action = '"urn:schemas-microsoft-com:xml-analysis:Execute"'
        answer = provider._answer(decode(encode(Envelope(header, EXECUTE))), action)
        conversation.response(answer.header, answer.fault)
        assert (answer.header.session is not None) == (
            bool(row.repeats_session) or provider.asked[-1:] == ["BeginSession"]
        )
    assert conversation.session_id == "session-1"
    assert provider.asked == ["BeginSession", "Session"]


@pytest.mark.parametrize("stem", ["olapy-zeep", "olapy-nodesoap"])
def test_recorded_olapy_names_a_session_in_each_answer(stem: str) -> None:
    answers = sorted(CAPTURED.rglob(f"{stem}-*-response.xml"))
    assert answers
    for path in answers:
        assert isinstance(decode(path.read_bytes()).header.session, Session)
    assert DIALECTS["olapy"].repeats_session


def test_dialect_is_a_plain_dataclass() -> None:
    names = [field.name for field in dataclasses.fields(Dialect)]
    assert names[:2] == ["name", "side"]
    assert all(field.kw_only for field in dataclasses.fields(Dialect))


_RECORDED = [
    ("mondrian", "mondrian-pentaho-utf8"),
    ("mondrian", "olap4j-xmlaserver"),
    ("emondrian", "emondrian-utf8"),
]


@pytest.mark.parametrize(("key", "folder"), _RECORDED)
def test_recorded_servers_answer_as_their_dialect_says(key: str, folder: str) -> None:
    row, faults, granted = DIALECTS[key], 0, 0
    for path in (Path(__file__).parent / "data" / "peers" / folder).glob("*.xml"):
        data = path.read_bytes()
        try:
            envelope = decode(data)
        except XmlaHeadersError:
            # Faults under a wrong label, and ids that were not escaped.
            continue
        if envelope.fault is not None:
            faults += 1
            assert (b"<faultcode>SOAP-ENV:" in data) == (row.fault_shape is FaultShape.SOAP_1_1)
        elif "_Session_" in path.name:
            granted += 1
            spelling = path.name.split(".")[0].rpartition("_")[2]
            heard = row.must_understand_form is None or spelling in (row.must_understand_form, "both")
            assert (envelope.header.session is not None) == (row.repeats_session and heard)
    assert faults
