"""Ways to break what SOAP 1.1 §4.4 says about the Fault in a Body."""

from __future__ import annotations

from xmla_headers.findings import Code
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS

from ._draft import Draft, Place
from ._ways import ANYWHERE, Way, ways_to_break

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._ways import Change, Given

__all__ = ["FAULTS"]

#: What the ways of this module are about, in catalogue order.
FAULTS = (Code.FAULT_WITHOUT_CODE, Code.DUPLICATE_FAULT, Code.FAULT_BESIDE_CONTENT)

_CODE = "<faultcode>f:Server</faultcode>"
_STRING = "<faultstring>text</faultstring>"


def _fault(*parts: str) -> str:
    # Under a prefix of its own, whatever the Envelope's is.
    return f'<f:Fault xmlns:f="{SOAP_11_NS}">{"".join(parts)}</f:Fault>'


def _among(parts: Sequence[str], place: Place, part: str) -> list[str]:
    index = {Place.FIRST: 0, Place.MIDDLE: (len(parts) + 1) // 2, Place.LAST: len(parts)}[place]
    return [*parts[:index], part, *parts[index:]]


def _in_fault(near_miss: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        draft.codes.add(Code.FAULT_WITHOUT_CODE)
        parts = (_STRING, "<faultactor>urn:example:actor</faultactor>", "<detail/>")
        draft.body = _fault(*_among(parts, place, near_miss))

    return apply


@ways_to_break(Code.FAULT_WITHOUT_CODE)
def _fault_without_code(_given: Given) -> Iterator[Way]:
    for name, note, near_miss in (
        ("nothing", "no faultcode", ""),
        ("comment", "the faultcode is in a comment", f"<!--{_CODE}-->"),
        ("cdata", "the faultcode is in a CDATA section", f"<note><![CDATA[{_CODE}]]></note>"),
        ("deeper", "the faultcode is an element further in", f"<note>{_CODE}</note>"),
        ("case", "faultCode, where names are case-sensitive", "<faultCode>f:Server</faultCode>"),
        ("xmla", "a faultcode in the XMLA namespace", f'<faultcode xmlns="{XMLA_NS}">Server</faultcode>'),
        ("soap-1.2", "the Code of SOAP 1.2", f'<Code xmlns="{SOAP_12_NS}"><Value>Sender</Value></Code>'),
    ):
        yield Way(name, f"a Fault without a faultcode: {note}", _in_fault(near_miss), ANYWHERE)


def _faults_around(other: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        draft.codes.add(Code.DUPLICATE_FAULT)
        faults = [_fault(_CODE, _STRING)] * (2 if place is Place.MIDDLE else 1)
        draft.body = "".join(_among(faults, place, other))

    return apply


@ways_to_break(Code.DUPLICATE_FAULT)
def _duplicate_fault(_given: Given) -> Iterator[Way]:
    for name, note, other in (
        ("same", "the same once more", _fault(_CODE, _STRING)),
        ("other-code", "one with another code", _fault("<faultcode>f:Client</faultcode>", _STRING)),
        (
            "no-prefix",
            "one without a prefix",
            f'<Fault xmlns="{SOAP_11_NS}"><faultcode>a</faultcode></Fault>',
        ),
        ("code-only", "one with nothing but a code", _fault(_CODE)),
        ("spaced", "one behind white space and a comment", f"\n<!-- -->\n{_fault(_CODE, _STRING)}\n"),
    ):
        yield Way(name, f"two Faults: {note}", _faults_around(other), ANYWHERE)


def _beside(content: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        draft.codes.add(Code.FAULT_BESIDE_CONTENT)
        # The place is that of the Fault.
        others = [content] * (2 if place is Place.MIDDLE else 1)
        draft.body = "".join(_among(others, place, _fault(_CODE, _STRING)))

    return apply


@ways_to_break(Code.FAULT_BESIDE_CONTENT)
def _fault_beside_content(_given: Given) -> Iterator[Way]:
    for name, note, content in (
        ("method", "a response", f'<DiscoverResponse xmlns="{XMLA_NS}"><return/></DiscoverResponse>'),
        ("no-namespace", "an element in no namespace", '<a xmlns="">text</a>'),
        ("other-fault", "a Fault in another namespace", f'<Fault xmlns="{XMLA_NS}"/>'),
        ("soap-1.2", "a Fault of SOAP 1.2", f'<Fault xmlns="{SOAP_12_NS}"/>'),
        ("inner-fault", "an element with a Fault in it", f'<a xmlns="">{_fault(_CODE)}</a>'),
    ):
        yield Way(name, f"a Fault in one Body with {note}", _beside(content), ANYWHERE)
