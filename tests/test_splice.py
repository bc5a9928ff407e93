"""with_blocks and without_blocks: they change header blocks and keep all other bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import xmla_headers
from tests import values
from tests.each import each
from tests.messages import messages
from tests.profiles import scaled
from xmla_headers import (
    SESSION_BLOCKS,
    XMLA_NS,
    BeginSession,
    BlockSpec,
    Code,
    Direction,
    EncodeError,
    EndSession,
    Header,
    HeaderBlock,
    Limits,
    MustUnderstandForm,
    Session,
    UnknownHeaderBlock,
    ValidationError,
    XmlaHeadersError,
    decode,
    decode_header,
    schema,
    with_blocks,
    without_blocks,
)

if TYPE_CHECKING:
    from typing import Any

    from xmla_headers.typing import BlockTypes

properties = settings(deadline=None, max_examples=scaled(300))

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XMLA = 'xmlns="urn:schemas-microsoft-com:xml-analysis"'
A = f'<Session {XMLA} SessionId="A"/>'
OLD = '<x:Session SessionId = "old" xmlns:x="urn:schemas-microsoft-com:xml-analysis"></x:Session>'


@dataclass(frozen=True, slots=True, repr=False)
class Ticket(HeaderBlock):
    """A header block of another schema."""

    spec = BlockSpec(namespace="urn:t", local_name="Ticket")


def prefixed(header: str, body: str = "<s:Body><a/></s:Body>") -> str:
    return f'<s:Envelope xmlns:s="{SOAP}">{header}{body}</s:Envelope>'


def default(header: str) -> str:
    return f'<Envelope xmlns="{SOAP}">{header}<Body><a xmlns=""/></Body></Envelope>'


INDENTED = f"""\
<s:Envelope xmlns:s="{SOAP}">
  <s:Header>
    <!-- kept -->
    <v:Version xmlns:v="urn:v" Sequence='1' />
  </s:Header>
  <s:Body />
</s:Envelope>
"""

#: Name, message, blocks, message with the blocks.
LAYOUTS: list[tuple[str, str, list[HeaderBlock | UnknownHeaderBlock], str]] = [
    ("no header", prefixed(""), [Session("A")], prefixed(f"<s:Header>{A}</s:Header>")),
    ("self-closing header", prefixed("<s:Header/>"), [Session("A")], prefixed(f"<s:Header>{A}</s:Header>")),
    (
        "self-closing header with attributes",
        prefixed("<s:Header b:c='/>' xmlns:b='u' />"),
        [Session("A")],
        prefixed(f"<s:Header b:c='/>' xmlns:b='u' >{A}</s:Header>"),
    ),
    (
        "empty header",
        prefixed("<s:Header></s:Header>"),
        [Session("A")],
        prefixed(f"<s:Header>{A}</s:Header>"),
    ),
    (
        "blank header",
        prefixed("<s:Header> </s:Header>"),
        [Session("A")],
        prefixed(f"<s:Header> {A}</s:Header>"),
    ),
    (
        "in place",
        prefixed(f"<s:Header><a xmlns='u'/>{OLD}<!-- c --><b xmlns='u'/></s:Header>"),
        [Session("A")],
        prefixed(f"<s:Header><a xmlns='u'/>{A}<!-- c --><b xmlns='u'/></s:Header>"),
    ),
    (
        "an alternative in place",
        prefixed(f"<s:Header><a xmlns='u'/><BeginSession {XMLA}/><b xmlns='u'/></s:Header>"),
        [Session("A")],
        prefixed(f"<s:Header><a xmlns='u'/>{A}<b xmlns='u'/></s:Header>"),
    ),
    (
        "all alternatives in the order given",
        prefixed(f"<s:Header>{OLD}<a xmlns='u'/><EndSession {XMLA} SessionId='x'/></s:Header>"),
        [BeginSession(), Session("A")],
        prefixed(f"<s:Header><BeginSession {XMLA}/>{A}<a xmlns='u'/></s:Header>"),
    ),
    (
        "an unknown block by its qname",
        prefixed("<s:Header><v:V xmlns:v='u' a='1'/><V xmlns='w'/></s:Header>"),
        [UnknownHeaderBlock(b"<V xmlns='u' a='2'/>")],
        prefixed("<s:Header><V xmlns='u' a='2'/><V xmlns='w'/></s:Header>"),
    ),
    (
        "after the last",
        prefixed("<s:Header><a xmlns='u'/></s:Header>"),
        [UnknownHeaderBlock(b"<b/>"), Session("A")],
        prefixed(f"<s:Header><a xmlns='u'/><b/>{A}</s:Header>"),
    ),
    (
        "the prefix in scope",
        prefixed("<s:Header/>"),
        [BeginSession(must_understand=True, actor="urn:me")],
        prefixed(f'<s:Header><BeginSession {XMLA} s:mustUnderstand="1" s:actor="urn:me"/></s:Header>'),
    ),
    (
        "no prefix in scope",
        default("<Header/>"),
        [BeginSession(must_understand=True)],
        default(f'<Header><BeginSession {XMLA} xmlns:soap="{SOAP}" soap:mustUnderstand="1"/></Header>'),
    ),
    (
        "no namespace under a default one",
        default("<Header/>"),
        [UnknownHeaderBlock(b"<BeginGetSessionToken/>"), UnknownHeaderBlock(b"<p:a xmlns:p='u'><b/></p:a>")],
        default('<Header><BeginGetSessionToken xmlns=""/><p:a xmlns="" xmlns:p=\'u\'><b/></p:a></Header>'),
    ),
    (
        "a header of another prefix",
        f'<s:Envelope xmlns:s="{SOAP}"><t:Header xmlns:t="{SOAP}"/><u:Body xmlns:u="{SOAP}"/></s:Envelope>',
        [Session("A", must_understand=True)],
        (
            f'<s:Envelope xmlns:s="{SOAP}"><t:Header xmlns:t="{SOAP}"><Session {XMLA} SessionId="A"'
            f' s:mustUnderstand="1"/></t:Header><u:Body xmlns:u="{SOAP}"/></s:Envelope>'
        ),
    ),
    (
        "the Envelope's prefix for a new header",
        f'<s:Envelope xmlns:s="{SOAP}"><u:Body xmlns:u="{SOAP}"/></s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{A}</s:Header><u:Body xmlns:u="{SOAP}"/></s:Envelope>',
    ),
    (
        "indented",
        INDENTED,
        [Session("A")],
        INDENTED.replace("1' />\n", f"1' />\n    {A}\n"),
    ),
    (
        "indented, two at once",
        INDENTED,
        [Session("A"), UnknownHeaderBlock(b"<b/>")],
        INDENTED.replace("1' />\n", f"1' />\n    {A}\n    <b/>\n"),
    ),
    (
        "indented, blank header",
        f'<s:Envelope xmlns:s="{SOAP}">\r\n\t<s:Header>\r\n\t</s:Header>\r\n\t<s:Body/>\r\n</s:Envelope>',
        [Session("A")],
        (
            f'<s:Envelope xmlns:s="{SOAP}">\r\n\t<s:Header>\r\n\t\t{A}\r\n\t</s:Header>'
            "\r\n\t<s:Body/>\r\n</s:Envelope>"
        ),
    ),
    (
        "indented, self-closing header",
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header/>\n  <s:Body/>\n</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header>\n    {A}\n  </s:Header>\n  <s:Body/>\n</s:Envelope>',
    ),
    (
        "indented, no header",
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Body/>\n</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header>\n    {A}\n  </s:Header>\n  <s:Body/>\n</s:Envelope>',
    ),
    (
        "indented, header without a line end",
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header></s:Header>\n  <s:Body/>\n</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header>{A}</s:Header>\n  <s:Body/>\n</s:Envelope>',
    ),
    (
        "indented, blocks on one line",
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header><a/></s:Header>\n  <s:Body/>\n</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header><a/>{A}</s:Header>\n  <s:Body/>\n</s:Envelope>',
    ),
    (
        "indented, with CR line ends",
        f'<s:Envelope xmlns:s="{SOAP}">\r  <s:Header/>\r  <s:Body/>\r</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}">\r  <s:Header>\r    {A}\r  </s:Header>\r  <s:Body/>\r</s:Envelope>',
    ),
    (
        "indented, Envelope too",
        f'\n <s:Envelope xmlns:s="{SOAP}">\n   <s:Header/>\n   <s:Body/>\n </s:Envelope>',
        [Session("A")],
        (
            f'\n <s:Envelope xmlns:s="{SOAP}">\n   <s:Header>\n     {A}\n   </s:Header>\n   <s:Body/>\n'
            " </s:Envelope>"
        ),
    ),
    (
        "indented, a Header on one line",
        f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header><!-- c --></s:Header>\n  <s:Body/>\n</s:Envelope>',
        [Session("A"), UnknownHeaderBlock(b"<b/>")],
        (
            f'<s:Envelope xmlns:s="{SOAP}">\n  <s:Header><!-- c -->{A}<b/></s:Header>\n  <s:Body/>\n'
            "</s:Envelope>"
        ),
    ),
    (
        "indented, but not the Header",
        f'<s:Envelope xmlns:s="{SOAP}"><s:Header/>\n  <s:Body/>\n</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{A}</s:Header>\n  <s:Body/>\n</s:Envelope>',
    ),
    (
        "lines with CR line ends",
        f'<s:Envelope xmlns:s="{SOAP}">\r  <s:Body/>\r</s:Envelope>',
        [Session("A")],
        f'<s:Envelope xmlns:s="{SOAP}">\r  <s:Header>\r    {A}\r  </s:Header>\r  <s:Body/>\r</s:Envelope>',
    ),
    (
        "after the last, before a comment",
        prefixed("<s:Header><a xmlns='u'/><!-- c --></s:Header>"),
        [Session("A")],
        prefixed(f"<s:Header><a xmlns='u'/>{A}<!-- c --></s:Header>"),
    ),
    ("nothing given", INDENTED, [], INDENTED),
]

ENCODINGS = [
    ("utf-8", b"", ""),
    ("utf-8", codecs.BOM_UTF8, ""),
    ("utf-16-le", codecs.BOM_UTF16_LE, ""),
    ("utf-16-be", codecs.BOM_UTF16_BE, '<?xml version="1.0" encoding="utf-16"?>\n'),
    ("latin-1", b"", '<?xml version="1.0" encoding="ISO-8859-1"?>'),
    ("ascii", b"", '<?xml version="1.0" encoding="us-ascii"?>'),
]


@each(("codec", "mark", "declaration"), ENCODINGS, ids=lambda value: str(value)[:12])
@each(("before", "given_blocks", "after"), [pytest.param(*rest, id=name) for name, *rest in LAYOUTS])
def test_with_blocks_inserts_blocks_and_keeps_all_other_bytes(
    before: str,
    given_blocks: list[HeaderBlock | UnknownHeaderBlock],
    after: str,
    codec: str,
    mark: bytes,
    declaration: str,
) -> None:
    data = mark + (declaration + before).encode(codec)
    result = with_blocks(data, *given_blocks)
    assert result[len(mark) :].decode(codec) == declaration + after
    assert result.startswith(mark)
    decode(result)
    assert with_blocks(bytearray(data), *given_blocks) == result
    assert with_blocks(memoryview(data), *given_blocks) == result


def test_with_blocks_replaces_an_alternative_not_in_types() -> None:
    data = prefixed(f"<s:Header><BeginSession {XMLA}/></s:Header>").encode()
    assert with_blocks(data, Session("A"), types={}) == prefixed(f"<s:Header>{A}</s:Header>").encode()


def test_with_blocks_replaces_only_alternatives() -> None:
    names = {"A": "one", "B": "one", "C": "two", "D": "", "E": ""}
    types = schema.types_from_schema(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="{schema.APPINFO_NS}"'
        ' targetNamespace="u">'
        + "".join(
            f'<xs:element name="{name}"><xs:annotation><xs:appinfo><xh:block'
            + (f' alternatives="{word}"' if word else "")
            + "/></xs:appinfo></xs:annotation><xs:complexType/></xs:element>"
            for name, word in names.items()
        )
        + "</xs:schema>"
    )
    for old, old_word in names.items():
        for new, new_word in names.items():
            data = prefixed(f"<s:Header><{old} xmlns='u'/><!-- c --></s:Header>").encode()
            result = with_blocks(data, types[f"{{u}}{new}"](), types=types).decode()
            alike = old == new or (old_word == new_word != "")
            kept = "" if alike else f"<{old} xmlns='u'/>"
            assert result == prefixed(f'<s:Header>{kept}<{new} xmlns="u"/><!-- c --></s:Header>')


def test_with_blocks_with_a_new_id_keeps_all_other_values() -> None:
    block = (
        f'<Session {XMLA} wsu:Id="7" mustUnderstand="1" SessionId="old" s:actor="urn:me"'
        ' xmlns:wsu="urn:wsu" xml:lang="en"/>'
    )
    data = prefixed(f"<s:Header>{block}</s:Header>").encode()
    session = decode_header(data).session
    assert session is not None
    result = with_blocks(data, replace(session, session_id="new"))
    again = decode_header(result).session
    assert again == replace(session, session_id="new")
    assert again.must_understand_form is MustUnderstandForm.UNQUALIFIED
    assert (
        with_blocks(data, session, must_understand_form=MustUnderstandForm.QUALIFIED).count(
            b"s:mustUnderstand"
        )
        == 1
    )


@pytest.mark.parametrize(("codec", "mark", "declaration"), ENCODINGS, ids=lambda value: str(value)[:12])
def test_with_blocks_unencodable_character_becomes_a_reference(
    codec: str, mark: bytes, declaration: str
) -> None:
    data = mark + (declaration + prefixed("")).encode(codec)
    session = Session("é漢🔑")
    token = UnknownHeaderBlock("<t xmlns='urn:漢' a=\"漢\" b='🔑'>漢&amp;🔑<!-- plain --></t>".encode())
    header = decode_header(with_blocks(data, session, token))
    assert header.session == session
    (element,) = xmla_headers.Fragment(header.unknown[0].xml).elements()
    assert (element.tag, element.attrib, element.text) == ("{urn:漢}t", {"a": "漢", "b": "🔑"}, "漢&🔑")


@pytest.mark.parametrize(
    "xml",
    [
        "<漢/>",
        "<a 漢=''/>",
        "<a><!--漢--></a>",
        "<a><![CDATA[漢]]></a>",
        # Quoted text is not an attribute value here.
        "<a><!--'漢'--></a>",
        '<a><!--"漢"--></a>',
        "<a><![CDATA['漢']]></a>",
        '<a><![CDATA[<b c="漢"/>]]></a>',
    ],
)
def test_with_blocks_unencodable_character_in_a_name_is_refused(xml: str) -> None:
    data = ('<?xml version="1.0" encoding="ISO-8859-1"?>' + prefixed("")).encode()
    with pytest.raises(EncodeError) as error:
        with_blocks(data, UnknownHeaderBlock(xml.encode()))
    assert error.value.code is Code.UNENCODABLE_TEXT
    assert "U+6F22" in error.value.finding.message


@pytest.mark.parametrize(
    ("header", "removed", "left"),
    [
        (f"<s:Header>{A}</s:Header>", [Session], ""),
        (f"<s:Header>\n  {A}\n</s:Header>", [Session], ""),
        (f"<s:Header>{A}<a xmlns='u'/></s:Header>", [Session], "<s:Header><a xmlns='u'/></s:Header>"),
        (f"<s:Header>{A}<!-- c --></s:Header>", [Session], "<s:Header><!-- c --></s:Header>"),
        (f"<s:Header>{A}</s:Header>", [BeginSession, "{urn:none}x"], f"<s:Header>{A}</s:Header>"),
        ("<s:Header> </s:Header>", [Session], "<s:Header> </s:Header>"),
        (f"<s:Header><a xmlns='u'/>{A}<a/></s:Header>", ["{u}a", "a"], f"<s:Header>{A}</s:Header>"),
        (f"<s:Header><a xmlns='u'/>{A}<a/></s:Header>", [UnknownHeaderBlock], f"<s:Header>{A}</s:Header>"),
        ("", [Session], ""),
        (f"<s:Header>{A}</s:Header>", [], f"<s:Header>{A}</s:Header>"),
    ],
)
@pytest.mark.parametrize(("codec", "mark", "declaration"), ENCODINGS, ids=lambda value: str(value)[:12])
def test_without_blocks_removes_blocks_and_keeps_other_bytes(
    header: str, removed: list[Any], left: str, codec: str, mark: bytes, declaration: str
) -> None:
    result = without_blocks(mark + (declaration + prefixed(header)).encode(codec), *removed)
    assert result == mark + (declaration + prefixed(left)).encode(codec)


@given(messages(), st.lists(values.blocks, max_size=3))
@properties
def test_with_blocks_result_has_the_blocks(
    data: bytes, drawn: list[HeaderBlock | UnknownHeaderBlock]
) -> None:
    try:
        given_blocks = Header(*drawn).blocks
        before = decode(data)
    except XmlaHeadersError:
        assume(False)
    try:
        result = with_blocks(data, *given_blocks)
    except EncodeError as error:
        assert error.code in (Code.UNENCODABLE_TEXT, Code.LIMIT_EXCEEDED)
        return
    after = decode(result)
    assert after.body == before.body
    assert after.soap is before.soap
    qnames = {block.qname for block in given_blocks}
    known = [block for block in given_blocks if isinstance(block, HeaderBlock)]
    assert [block for block in after.header if isinstance(block, HeaderBlock)] == (
        known or [block for block in before.header if isinstance(block, HeaderBlock)]
    )
    assert [b.qname for b in after.header.unknown if b.qname in qnames] == [
        *dict.fromkeys(b.qname for b in after.header.unknown if b.qname in qnames)
    ] or len(given_blocks) > len(qnames)
    kept = [block for block in before.header.unknown if block.qname not in qnames]
    assert [block for block in after.header.unknown if block.qname not in qnames] == kept
    # All bytes from the Body on are unchanged.
    if given_blocks:
        tail = data[-len(before.body.xml) - 1 :] if before.body.xml else data[-1:]
        assert result.endswith(tail)


@given(messages())
@properties
def test_with_blocks_of_the_same_blocks_keeps_the_values(data: bytes) -> None:
    try:
        before = decode(data)
    except XmlaHeadersError:
        assume(False)
    blocks = before.header.blocks
    names = [block.qname for block in blocks]
    assume(len(set(names)) == len(names))
    try:
        after = decode(with_blocks(data, *blocks))
    except EncodeError as error:
        assert error.code is Code.UNENCODABLE_TEXT
        return
    sessions = (BeginSession, Session, EndSession)
    assert [b for b in after.header if isinstance(b, sessions)] == [
        b for b in blocks if isinstance(b, sessions)
    ]
    assert {b.qname for b in after.header} == set(names)
    assert after.body == before.body


@given(messages())
@properties
def test_without_blocks_result_lacks_the_blocks(data: bytes) -> None:
    try:
        before = decode(data)
    except XmlaHeadersError:
        assume(False)
    result = without_blocks(data, BeginSession, Session, EndSession)
    after = decode(result)
    assert after.header.blocks == before.header.unknown
    assert after.body == before.body
    assert decode(without_blocks(result, UnknownHeaderBlock)).header == Header()


@given(messages())
@properties
def test_splicing_refuses_as_decode_header_does(data: bytes) -> None:
    try:
        decode_header(data, strict=True)
    except XmlaHeadersError as expected:
        with pytest.raises(type(expected)) as put_in:
            with_blocks(data, Session("A"), strict=True)
        with pytest.raises(type(expected)) as taken_out:
            without_blocks(data, Session, strict=True)
        assert put_in.value.finding == taken_out.value.finding == expected.finding


def test_with_blocks_that_breaks_a_rule_is_refused() -> None:
    data = prefixed("").encode()
    with pytest.raises(ValidationError) as error:
        with_blocks(data, BeginSession(), direction=Direction.RESPONSE)
    assert error.value.code is Code.WRONG_DIRECTION
    with pytest.raises(ValidationError):
        with_blocks(data, BeginSession(), Session("A"), strict=True)
    with pytest.raises(EncodeError) as doubled:
        with_blocks(data, Session("A"), Session("B"))
    assert doubled.value.code is Code.DUPLICATE_HEADER_BLOCK


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_header_bytes=150),
        Limits(max_message_bytes=180),
        Limits(max_header_blocks=0),
        Limits(max_name_length=len(SOAP)),
    ],
)
def test_with_blocks_over_a_limit_is_refused(limits: Limits) -> None:
    data = prefixed("").encode()
    decode(data, limits=limits)
    block = Session("A", other_attributes=(("{urn:" + "x" * 60 + "}a", ""),))
    with pytest.raises(EncodeError) as error:
        with_blocks(data, block, limits=limits)
    assert error.value.code is Code.LIMIT_EXCEEDED


@pytest.mark.parametrize("wrong", ["Session", Session, None, 1])
def test_with_blocks_of_another_type_raises_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError):
        with_blocks(prefixed("").encode(), wrong)


@pytest.mark.parametrize("wrong", [HeaderBlock, Session("A"), None, 1, int])
def test_without_blocks_of_another_type_raises_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError):
        without_blocks(prefixed("").encode(), wrong)


def test_splicing_accepts_types_of_another_schema() -> None:
    from xmla_headers import schema

    types = schema.types_from_schema(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">'
        '<xs:element name="Audit"><xs:complexType><xs:attribute name="User" use="required"/></xs:complexType>'
        "</xs:element></xs:schema>"
    )
    (kind,) = types.values()
    made: Any = kind
    data = with_blocks(prefixed("").encode(), made("ann"), types=types)
    assert decode_header(with_blocks(data, made("bob"), types=types), types=types).blocks == (made("bob"),)
    # Without the type, the block is unknown, and it is replaced at the same place.
    assert decode_header(with_blocks(data, made("bob"))).unknown[0].xml.count(b"bob") == 1
    assert without_blocks(data, kind) == prefixed("").encode()


@pytest.mark.parametrize("wrong", ["", "xmla:Session", "{urn:a", "{urn:a}", "a b"])
def test_without_blocks_malformed_name_raises_value_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="Clark notation"):
        without_blocks(prefixed(f"<s:Header>{A}</s:Header>").encode(), wrong)


def test_with_blocks_unqualified_session_is_no_alternative() -> None:
    lower, token = UnknownHeaderBlock(b"<session/>"), prefixed(f"<s:Header>{A}</s:Header>").encode()
    assert decode_header(with_blocks(token, lower)).blocks == (Session("A"), lower)
    there = prefixed("<s:Header><session/></s:Header>").encode()
    assert decode_header(with_blocks(there, Session("A"))).blocks == (lower, Session("A"))
    assert decode_header(with_blocks(there, Session("A"), lower)).blocks == (lower, Session("A"))


def test_without_blocks_removes_blocks_by_their_qname() -> None:
    for block in ("<Session/>", "<session/>", "<漢/>", "<v:V xmlns:v='u'/>"):
        data = prefixed(f"<s:Header>{block}</s:Header>").encode()
        qname = decode_header(data)[0].qname
        assert without_blocks(data, qname if "}" in qname else "{}" + qname) == prefixed("").encode()


@pytest.mark.parametrize(
    ("name", "types", "says"),
    [
        ("Session", SESSION_BLOCKS, f'the class Session or its qname "{{{XMLA_NS}}}Session"'),
        ("BeginSession", SESSION_BLOCKS, "the class BeginSession "),
        ("EndSession", {}, "the class EndSession "),
        ("Ticket", {Ticket.spec.qname: Ticket}, 'the class Ticket or its qname "{urn:t}Ticket"'),
    ],
)
def test_without_blocks_bare_name_of_a_class_is_refused(name: str, types: BlockTypes, says: str) -> None:
    data = prefixed(f"<s:Header>{A}<{name}/></s:Header>").encode()
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        without_blocks(data, name, types=types)
    assert f'"{{}}{name}"' in str(error.value)
    assert not isinstance(error.value, XmlaHeadersError)
    # The one in no namespace can be named, and any name that no class has.
    left = prefixed(f"<s:Header>{A}</s:Header>").encode()
    assert without_blocks(data, "{}" + name, types=types) == left
    other = data.replace(b"<%b/>" % name.encode(), b"<Other/>")
    assert without_blocks(other, "Other", types=types) == left


def test_without_blocks_without_types_removes_unknown_blocks() -> None:
    data = prefixed(f"<s:Header>{A}<a/></s:Header>").encode()
    assert without_blocks(data, UnknownHeaderBlock, types={}) == prefixed("").encode()


@pytest.mark.parametrize("call", [with_blocks, without_blocks])
def test_splicing_unchanged_message_over_a_limit_is_refused(call: Any) -> None:
    data = prefixed("").encode()
    with pytest.raises(EncodeError) as error:
        call(data, limits=Limits(max_message_bytes=len(data) - 1))
    assert error.value.code is Code.LIMIT_EXCEEDED


@pytest.mark.parametrize("qname", ["urn:x}Session", "{urn:x", "{urn:x}", "", "x:Session", "{urn:x}9"])
def test_without_blocks_malformed_qname_is_value_error(qname: str) -> None:
    with pytest.raises(ValueError, match="Clark notation"):
        without_blocks(INDENTED.encode(), qname)


def test_with_blocks_other_attributes_avoid_the_soap_prefix() -> None:
    block = Session("A", actor="urn:x", must_understand=True, other_attributes=(("{urn:t}id", "1"),))
    data = f'<n1:Envelope xmlns:n1="{SOAP}"><n1:Body/></n1:Envelope>'.encode()
    assert decode(with_blocks(data, block)).header.blocks == (block,)
