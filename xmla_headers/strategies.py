"""Hypothesis strategies for values and messages (extra `fuzz`)."""

from __future__ import annotations

from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ImportError as error:
    _MISSING = "xmla_headers.strategies needs Hypothesis: pip install 'xmla_headers[fuzz]'"
    raise ImportError(_MISSING, name="hypothesis") from error

from ._xml.names import clark
from .envelope import Envelope, Header
from .fault import Fault, FaultEntry
from .findings import RULES, Severity
from .fragment import Fragment
from .fuzzing import Case, Verdict
from .fuzzing._cases import Stock, break_with, finished, spelled
from .fuzzing._draft import Place
from .fuzzing._ids import SESSION_IDS
from .fuzzing._simple_values import examples, is_value
from .fuzzing._ways import Given
from .fuzzing._writing import Choices
from .model import TEXT, HeaderBlock
from .session_headers import SESSION_BLOCKS
from .soap import XML_NS, XMLA_NS, MustUnderstandForm, SoapVersion
from .typing import BlockTypes
from .unknown_block import UnknownHeaderBlock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from hypothesis.strategies import DrawFn

    from .findings import Code
    from .fuzzing._ways import Way
    from .model import AttributeSpec, BlockSpec
    from .simple_types import SimpleType

    BlockT = TypeVar("BlockT", HeaderBlock, HeaderBlock | UnknownHeaderBlock)

__all__ = [
    "broken_messages",
    "envelopes",
    "fault_entries",
    "faults",
    "fragments",
    "header_blocks",
    "headers",
    "messages",
    "session_ids",
    "unknown_header_blocks",
]

_NOT_CHAR = [chr(code) for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)]
# Namespaces of qualified names: of the Envelope, and with characters that a writer may get wrong.
_NAMESPACES = ("", "urn:a&b", XMLA_NS, *(soap.namespace for soap in SoapVersion), XML_NS, "}", '"<\t', "u")
# Each choice for one message takes some bytes; where none are left, the message is written plainly.
_CHOICES = st.binary(max_size=96)


@cache
def session_ids() -> SearchStrategy[str]:
    """Draw session ids: any text that XML 1.0 can carry, often of an awkward kind.

    Returns:
        A strategy for str; it shrinks towards the empty id.

    >>> from hypothesis import find
    >>> find(session_ids(), lambda session_id: len(session_id) == 2)
    '00'
    """
    characters = st.characters(exclude_categories=["Cs"], exclude_characters=_NOT_CHAR)
    awkward = ["", "\t\n\r\r\n", "\ufdd0\x85\u2028\ufeff", *SESSION_IDS.values()]
    # Hypothesis shrinks towards the first.
    return st.one_of(st.text(characters, max_size=20), st.sampled_from(sorted(awkward, key=len)))


def header_blocks(types: BlockTypes = SESSION_BLOCKS) -> SearchStrategy[HeaderBlock]:
    """Draw header blocks that a schema declares.

    Args:
        types: Expanded name in Clark notation -> class of the header block.

    Returns:
        A strategy for instances of the classes in `types`.

    >>> from hypothesis import find
    >>> find(header_blocks(), lambda block: block.must_understand).must_understand
    True
    """
    return st.one_of([_blocks(kind) for kind in types.values()])


def _blocks(
    kind: type[HeaderBlock], *, names: tuple[str, ...] = ("a", "Id", "\u00e9")
) -> SearchStrategy[Any]:
    """Draw header blocks of one class, with foreign attributes of these local names."""
    text = session_ids()
    namespaces = ("urn:example:w", "urn:a&b", "u")
    xml = "{http://www.w3.org/XML/1998/namespace}lang"
    qnames = [f"{{{namespace}}}{name}" for namespace in namespaces for name in names]
    foreign = st.tuples(st.sampled_from([xml, *qnames]), text)
    fields: dict[str, SearchStrategy[Any]] = {
        attribute.field: _attribute_values(attribute, text) for attribute in kind.spec.attributes
    }
    spec = kind.spec
    if spec.text is not None:
        fields[TEXT] = _simple_values(spec.text)
    for child in spec.children:
        most = max(child.min_occurs, min(3, 3 if child.max_occurs is None else child.max_occurs))
        values = text if child.type is None else _simple_values(child.type)
        fields[child.field] = st.lists(values, min_size=child.min_occurs, max_size=most).map(tuple)
    return st.builds(
        kind,
        **fields,
        must_understand=st.booleans(),
        must_understand_form=st.none() | st.sampled_from(MustUnderstandForm),
        actor=st.none() | text,
        other_attributes=st.lists(foreign, max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
    )


def _attribute_values(attribute: AttributeSpec, text: SearchStrategy[str]) -> SearchStrategy[Any]:
    """Draw values for an attribute; None where it may be absent and stands for nothing then."""
    if attribute.fixed is not None:
        return st.just(attribute.fixed)
    values = text if attribute.type is None else _simple_values(attribute.type)
    return values if attribute.required or attribute.default is not None else st.none() | values


def _simple_values(kind: SimpleType) -> SearchStrategy[Any]:
    """Draw values of a simple type."""
    known = st.sampled_from(examples(kind))
    drawn: SearchStrategy[Any] | None = None
    if kind.enumeration or kind.python is bool or kind.name == "dateTime":
        return known
    if kind.matchers:
        # The first choice leads to the end fastest, so texts shrink.
        drawn = st.lists(st.integers(0, 255), max_size=60).map(partial(_walked, kind))
    elif kind.python is int:
        drawn = st.integers(-(2**70), 2**70)
    elif kind.python is Decimal:
        drawn = st.decimals(allow_nan=False, allow_infinity=False, places=kind.fraction_digits)
    elif kind.is_qname:
        drawn = st.builds(clark, st.sampled_from(_NAMESPACES), st.sampled_from(("a", "b.c-d", "\u00e9")))
    elif kind.name in ("string", "normalizedString", "token"):
        drawn = session_ids()
    if drawn is None:
        return known
    return known | drawn.filter(partial(is_value, kind))


def _walked(kind: SimpleType, numbers: list[int]) -> str | None:
    """Return a text that the first pattern of a type matches, as chosen by numbers."""
    choices = Choices(numbers)
    walked: str | None = kind.matchers[0].walk(choices.pick, kind.min_length)
    return walked


# Prefixes in values, namespaces of SOAP or of something else under its usual prefix, ends hard to find.
_UNKNOWN = (
    b"<a/>",
    b"<a>soap:x</a>",
    b"<a xmlns=''/>",
    b'<v:Version xmlns:v="urn:v" Sequence="922"/>',
    b'<Version xmlns="http://schemas.microsoft.com/analysisservices/2003/engine/2" Sequence="400" />',
    b"<w:Security xmlns:w='urn:w' xmlns:soap='"
    + SoapVersion.SOAP_1_1.namespace.encode()
    + b"' soap:mustUnderstand=' 1 '><w:t>x:y</w:t></w:Security>",
    b"<soap:b xmlns:soap='urn:other'><soap:c soap:d=''/></soap:b>",
    b"<soap1:b xmlns:soap1='urn:other'/>",
    b"<a><!-- soap: --><![CDATA[</soap:Header>]]>&#xe9;</a>",
    "<é ü='ö'>漢🔑</é>".encode(),
    b"<a b='>' c=\"/>\"\n></a\t>",
)


def unknown_header_blocks() -> SearchStrategy[UnknownHeaderBlock]:
    """Draw header blocks that no schema declares.

    Returns:
        A strategy for UnknownHeaderBlock.

    >>> from hypothesis import find
    >>> find(unknown_header_blocks(), lambda block: block.must_understand).must_understand
    True
    """
    return st.sampled_from(_UNKNOWN).map(UnknownHeaderBlock)


def fault_entries() -> SearchStrategy[FaultEntry]:
    """Draw errors as they stand in the detail of a fault.

    Returns:
        A strategy for FaultEntry, with numbers and texts as codes.

    >>> from hypothesis import find
    >>> find(fault_entries(), lambda entry: isinstance(entry.code, int)).code
    0
    """
    codes = st.integers(-(2**31), 2**32 - 1) | st.sampled_from(["00HSBB01", "0xc10c000a", ""])
    text = session_ids()
    return st.builds(FaultEntry, codes, text, text, text, st.just(Fragment()))


def faults() -> SearchStrategy[Fault]:
    """Draw SOAP 1.1 faults; some of them say that the session is lost.

    Returns:
        A strategy for Fault, with up to three entries.

    >>> from hypothesis import find
    >>> len(find(faults(), lambda fault: len(fault.entries) == 1).entries)
    1
    """
    codes = st.sampled_from(["Client", "Server.00HSBB01", "XMLAnalysisError.0xc10c000a", ""])
    text = session_ids()
    entries = st.lists(fault_entries(), max_size=3).map(tuple)
    return st.builds(Fault, codes, text, st.none() | text, entries, st.just(Fragment()))


def headers(types: BlockTypes = SESSION_BLOCKS) -> SearchStrategy[Header]:
    """Draw Headers of up to five blocks, known and unknown.

    Args:
        types: Expanded name in Clark notation -> class of the header block.

    Returns:
        A strategy for Header; no class occurs more often than its schema allows.

    >>> from hypothesis import find
    >>> len(find(headers(), lambda header: header.session is not None)) >= 1
    True
    """
    blocks: SearchStrategy[HeaderBlock | UnknownHeaderBlock]
    # A block that the types declare would be read as a value.
    unknown = unknown_header_blocks().filter(lambda block: block.qname not in types)
    blocks = st.one_of(header_blocks(types), unknown)
    return st.lists(blocks, max_size=5).map(lambda drawn: Header(*_allowed(drawn)))


def _allowed(blocks: Iterable[BlockT]) -> list[BlockT]:
    """Return the blocks without those that exceed what their schema allows."""
    kept: list[BlockT] = []
    for block in blocks:
        spec: BlockSpec | None = getattr(block, "spec", None)
        maximum = None if spec is None else spec.max_occurs
        if maximum is None or sum(type(other) is type(block) for other in kept) < maximum:
            kept.append(block)
    return kept


# Content of a Body, and the prefixes in scope around it: what a writer may get wrong.
_FRAGMENTS: tuple[tuple[bytes, dict[str, str]], ...] = (
    (b"", {}),
    (b"hello", {}),
    (b"<a/><b/>", {}),
    (b"<a xmlns='urn:t'/>", {}),
    (b"<a/>", {"": "urn:default", "unused": "urn:u"}),
    (b"<p:a xsi:type='xsd:int'/>", {"p": "urn:p", "xsi": "urn:xsi", "xsd": "urn:xsd"}),
    (b"<soap:Fault/>", {"soap": SoapVersion.SOAP_1_1.namespace}),
    (b"<soap:Fault/>", {"soap": SoapVersion.SOAP_1_1.namespace, "": SoapVersion.SOAP_1_1.namespace}),
    (b"<a>soap:Client</a>", {}),
    (b"<soap:a/>", {"soap": "urn:other"}),
    (b"<soap1:a/>", {"soap1": "urn:other", "soap": "urn:a&b"}),
    (b"<a><![CDATA[</soap:Body></soap:Envelope>]]><!--</soap:Body>--></a>", {}),
    (b"<!--</soap:Body></soap:Envelope>-->", {}),
    (b"<a v='&#10;&#13;&#9;'>&#13;</a>", {}),
    ("<é>漢🔑</é>".encode(), {"é": "urn:e"}),
    (b"<Header xmlns='" + SoapVersion.SOAP_1_1.namespace.encode() + b"'/>", {}),
)


def fragments() -> SearchStrategy[Fragment]:
    """Draw contents of a Body.

    Returns:
        A strategy for Fragment, with and without prefixes from around it.

    >>> from hypothesis import find
    >>> bool(find(fragments(), bool).xml)
    True
    """
    return st.sampled_from(_FRAGMENTS).map(lambda pair: Fragment(*pair))


def envelopes(types: BlockTypes = SESSION_BLOCKS) -> SearchStrategy[Envelope]:
    """Draw Envelopes of both versions of SOAP.

    Args:
        types: Expanded name in Clark notation -> class of the header block.

    Returns:
        A strategy for Envelope.

    >>> from hypothesis import find
    >>> find(envelopes(), lambda envelope: envelope.header.begin_session is not None).fault is None
    True
    """
    return st.builds(Envelope, headers(types), fragments(), st.sampled_from(SoapVersion))


def messages(types: BlockTypes = SESSION_BLOCKS) -> SearchStrategy[Case]:
    """Draw messages that `decode` accepts, written in many ways; there may be warnings.

    Args:
        types: Expanded name in Clark notation -> class of the header block.

    Returns:
        A strategy for `fuzzing.Case`; its `header` is never None.

    >>> from hypothesis import find
    >>> find(messages(), lambda case: case.header.begin_session is not None).verdict
    <Verdict.ACCEPT: 'accept'>
    """
    # Names are ASCII: an encoding may have no other characters, and a name cannot be a reference.
    blocks = st.one_of([_blocks(kind, names=("a", "Id")) for kind in types.values()])
    drawn = _messages(st.lists(blocks, max_size=3), Stock(Given(types, None)))
    # Two ways to write a message may each add a block of one name.
    return drawn.filter(lambda case: case.verdict is not Verdict.REJECT)


def broken_messages(types: BlockTypes = SESSION_BLOCKS) -> SearchStrategy[Case]:
    """Draw messages that break one rule, so that `decode` refuses them with `deep`; there may be warnings.

    Args:
        types: Expanded name in Clark notation -> class of the header block.

    Returns:
        A strategy for `fuzzing.Case`; its `header` is None.

    >>> from hypothesis import find
    >>> find(broken_messages(), lambda case: True).header is None
    True
    """
    stock = Stock(Given(types, None))
    refused = [
        (code, way, place)
        for code, ways in stock.ways.items()
        if RULES[code].severity is Severity.ERROR
        for way in ways
        for place in way.places
    ]
    return _broken_messages(st.sampled_from(refused), stock)


@st.composite
def _messages(draw: DrawFn, blocks: SearchStrategy[list[HeaderBlock]], stock: Stock) -> Case:
    values = _allowed(draw(blocks))
    # Where no bytes are left, the first choice is taken, which is the plainest: so messages shrink.
    return finished(spelled(Choices(draw(_CHOICES)), stock, values), "a message drawn by Hypothesis")


@st.composite
def _broken_messages(draw: DrawFn, ways: SearchStrategy[tuple[Code, Way, Place]], stock: Stock) -> Case:
    code, way, place = draw(ways)
    # Not every way can be combined with every way of writing.
    written = draw(_CHOICES) if way.mixes and place is not Place.MIDDLE else b""
    draft = spelled(Choices(written), stock, ())
    break_with(draft, code, way, place)
    return finished(draft, way.note)
