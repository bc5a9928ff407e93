"""The names that users import keep working, independent of the defining module."""

from __future__ import annotations

import importlib

import pytest

#: Module -> names that users import from it, in addition to `__all__`.
NAMES = {
    "xmla_headers": (
        "decode encode Envelope Header Fragment Session HeadCache HeaderReader Conversation Fault"
    ),
    "xmla_headers.codec": "decode decode_header iter_findings validate encode encode_block with_blocks",
    "xmla_headers.envelope": "Envelope Header",
    "xmla_headers.fragment": "Fragment",
    "xmla_headers.model": (
        "AttributeSpec BlockSpec HeaderBlock UnknownHeaderBlock Fragment SOAP_VERSIONS mask"
    ),
    "xmla_headers.unknown_block": "UnknownHeaderBlock",
    "xmla_headers.session_headers": "SESSION_BLOCKS BeginSession Session EndSession",
    "xmla_headers.findings": (
        "RULES Code Finding Rule Severity FaultCode XmlaHeadersError error_for value_finding"
    ),
    "xmla_headers.soap": (
        "SOAP_11_NS SOAP_12_NS XMLA_NS XSI_NS Direction Limits MustUnderstandForm SoapVersion"
    ),
    "xmla_headers.head_cache": "HeadCache SHARED_HEADS",
    "xmla_headers.typing": "Data Block BlockTypes AnyDirection AnyMustUnderstandForm AnySoapVersion",
    "xmla_headers.stream": "HeaderReader",
    "xmla_headers.http": "charset_of request_headers session_id_of split_continuation status_of",
    "xmla_headers.conversation": "Conversation State Event TRANSITIONS",
    "xmla_headers.fault": "Fault FaultEntry FaultShape fault_for session_not_found",
    "xmla_headers.elements": "header_of fault_of set_blocks",
    "xmla_headers.schema": (
        "SchemaError SchemaValidator generate read_schema specs_from_schema types_from_schema"
    ),
    "xmla_headers.captures": "iter_messages check_message redact pair_names Pseudonyms CaptureLimits Format",
    "xmla_headers.transcript": "Transcript SessionRecord Placement",
    "xmla_headers.timeline": "Timeline Lane LaneKind Exchange Mark Outcome",
    "xmla_headers.fuzzing": "iter_cases compare corpus Case Verdict Behaviour Trap Disagreement",
    "xmla_headers.strategies": "messages envelopes headers header_blocks fragments faults",
    "xmla_headers.cli": "main run",
}


@pytest.mark.parametrize("module", NAMES)
def test_import_names_of_users_keep_working(module: str) -> None:
    found = importlib.import_module(module)
    names = {*NAMES[module].split(), *getattr(found, "__all__", ())}
    assert [name for name in sorted(names) if not hasattr(found, name)] == []


def test_unknown_name_of_model_raises_attribute_error() -> None:
    model = importlib.import_module("xmla_headers.model")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        model.Nothing  # noqa: B018 - the access is under test
