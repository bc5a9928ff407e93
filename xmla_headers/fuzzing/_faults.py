"""Ways to break what SOAP 1.1 §4.4 and SOAP 1.2 §5.4 say about the Fault in a Body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers.findings import Code
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS, SoapVersion

from ._draft import Draft, Edit, Place
from ._ways import ANYWHERE, Table, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._ways import Given

__all__ = ["FAULTS"]

FAULTS = Table()

_CODE = "<faultcode>f:Server</faultcode>"
_STRING = "<faultstring>text</faultstring>"
_OTHER_PARTS = (_STRING, "<faultactor>urn:example:actor</faultactor>", "<detail/>")


def _fault(*parts: str) -> str:
    """Return a Fault; its prefix is not the one of the Envelope."""
    return f'<f:Fault xmlns:f="{SOAP_11_NS}">{"".join(parts)}</f:Fault>'


_FAULT = _fault(_CODE, _STRING)

_SOAP_1_2 = SoapVersion.SOAP_1_2
_CODE_1_2 = "<f:Code><f:Value>f:Sender</f:Value></f:Code>"
_REASON_1_2 = '<f:Reason><f:Text xml:lang="en">text</f:Text></f:Reason>'


def _fault_1_2(*parts: str) -> str:
    """Return a Fault of SOAP 1.2."""
    return f'<f:Fault xmlns:f="{SOAP_12_NS}">{"".join(parts)}</f:Fault>'


_FAULT_1_2 = _fault_1_2(_CODE_1_2, _REASON_1_2)


def _body(
    part: str,
    *others: str,
    around: Callable[[str], str] = str,
    soap: SoapVersion = SoapVersion.SOAP_1_1,
) -> Edit[Place]:
    """Return the edit that writes a Body with a part at its place among others."""

    def apply(draft: Draft, place: Place) -> None:
        # In the middle there is something on both sides.
        parts = [*others, *others] if place is Place.MIDDLE and len(others) == 1 else [*others]
        parts.insert(place.among(len(parts)), part)
        draft.body = around("".join(parts))
        if soap is not SoapVersion.SOAP_1_1:
            draft.soap = soap

    return apply


@FAULTS.breaks(Code.FAULT_WITHOUT_CODE)
def _fault_without_code(_given: Given) -> Iterator[Way]:
    for name, note, near_miss in (
        ("nothing", "no faultcode", ""),
        ("comment", "the faultcode is in a comment", f"<!--{_CODE}-->"),
        ("cdata", "the faultcode is in a CDATA section", f"<note><![CDATA[{_CODE}]]></note>"),
        ("deeper", "the faultcode is in a child element", f"<note>{_CODE}</note>"),
        ("case", "faultCode, where names are case-sensitive", "<faultCode>f:Server</faultCode>"),
        ("xmla", "a faultcode in the XMLA namespace", f'<faultcode xmlns="{XMLA_NS}">Server</faultcode>'),
        ("soap-1.2", "the Code of SOAP 1.2", f'<Code xmlns="{SOAP_12_NS}"><Value>Sender</Value></Code>'),
    ):
        change = _body(near_miss, *_OTHER_PARTS, around=_fault)
        yield Way(name, f"a Fault without a faultcode: {note}", change, ANYWHERE)
    for name, note, near_miss in (
        ("1.2-nothing", "no Code", ""),
        ("1.2-comment", "the Code is in a comment", f"<!--{_CODE_1_2}-->"),
        ("1.2-deeper", "the Code is in a child element", f"<note>{_CODE_1_2}</note>"),
        ("1.2-no-namespace", "a Code in no namespace", "<Code><Value>Sender</Value></Code>"),
        ("1.2-faultcode", "the faultcode of SOAP 1.1", _CODE),
    ):
        change = _body(near_miss, _REASON_1_2, "<f:Node>urn:node</f:Node>", around=_fault_1_2, soap=_SOAP_1_2)
        yield Way(name, f"a SOAP 1.2 Fault without a Code: {note}", change, ANYWHERE)


@FAULTS.breaks(Code.DUPLICATE_FAULT)
def _duplicate_fault(_given: Given) -> Iterator[Way]:
    for name, note, other in (
        ("same", "the same again", _FAULT),
        ("other-code", "one with another code", _fault("<faultcode>f:Client</faultcode>", _STRING)),
        (
            "no-prefix",
            "one without a prefix",
            f'<Fault xmlns="{SOAP_11_NS}"><faultcode>a</faultcode></Fault>',
        ),
        ("code-only", "one with a code only", _fault(_CODE)),
        ("spaced", "one after white space and a comment", f"\n<!-- -->\n{_FAULT}\n"),
    ):
        yield Way(name, f"two Faults: {note}", _body(other, _FAULT), ANYWHERE)
    for name, note, other in (
        ("1.2", "the same again", _FAULT_1_2),
        ("1.2-and-1.1", "one of SOAP 1.1", _FAULT),
    ):
        change = _body(other, _FAULT_1_2, soap=_SOAP_1_2)
        yield Way(name, f"two Faults in SOAP 1.2: {note}", change, ANYWHERE)


@FAULTS.breaks(Code.FAULT_BESIDE_CONTENT)
def _fault_beside_content(_given: Given) -> Iterator[Way]:
    for name, note, content in (
        ("method", "a response", f'<DiscoverResponse xmlns="{XMLA_NS}"><return/></DiscoverResponse>'),
        ("no-namespace", "an element in no namespace", '<a xmlns="">text</a>'),
        ("other-fault", "a Fault in another namespace", f'<Fault xmlns="{XMLA_NS}"/>'),
        ("soap-1.2", "a Fault of SOAP 1.2", f'<Fault xmlns="{SOAP_12_NS}"/>'),
        ("inner-fault", "an element with a Fault in it", f'<a xmlns="">{_fault(_CODE)}</a>'),
    ):
        yield Way(name, f"a Fault in one Body with {note}", _body(_FAULT, content), ANYWHERE)
        if name != "soap-1.2":
            change = _body(_FAULT_1_2, content, soap=_SOAP_1_2)
            yield Way(f"1.2-{name}", f"a SOAP 1.2 Fault in one Body with {note}", change, ANYWHERE)
