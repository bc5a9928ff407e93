"""Knows what the rules say about a captured message: the input of reports and of the transcript."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from xmla_headers._checks import wrong_type
from xmla_headers._codec.options import DEFAULT_LIMITS
from xmla_headers.codec import decode, iter_findings
from xmla_headers.envelope import Envelope, Header
from xmla_headers.fault import Fault, FaultEntry
from xmla_headers.findings import Finding, XmlaHeadersError
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import AnyDirection, Limits
from xmla_headers.typing import BlockTypes

from ._cancels import cancelled_by
from ._http_facts import NO_FACTS, facts_of, findings_of
from ._message import CapturedMessage
from ._transport import NO_TRANSPORT, WITHOUT_BODY, Transport, transport_of

__all__ = ["CheckedMessage", "check_message", "is_soap"]

# SOAP 1.1 §6.2: a response has a status of 2xx, or 500 if it carries a fault.
_SOAP_STATUS = frozenset({*range(200, 300), 500})
_FIRST_ELEMENT = re.compile(rb"(?:\s++|<!--.{0,500}?-->){0,20}+<([^\s<>/\"'=]{1,200})(?=[\s/>])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """A captured message with its findings and the parts that matter for a session."""

    message: CapturedMessage
    """The message that was checked."""
    findings: tuple[Finding, ...]
    """Every finding, errors and warnings, in the order of `iter_findings`."""
    header: Header | None = None
    """The header; None if the message is refused or is not SOAP."""
    fault: Fault | None = None
    """The fault in the Body."""
    method: str | None = None
    """The local name of the first element in the Body: Discover, ExecuteResponse, Fault."""
    size: int = 0
    """Size of the message in bytes."""
    errors: tuple[FaultEntry, ...] = ()
    """The Errors inside a success answer."""
    session_field: str | None = field(default=None, repr=False)
    """The session id in the header fields of HTTP (`http.session_id_of`), a secret."""
    transport: Transport = NO_TRANSPORT
    """Where it went over HTTP, who sent it, and what came instead of SOAP."""
    cancels: tuple[str, ...] = field(default=(), repr=False)
    """The ids of the sessions that it asks the server to cancel, secrets; "" for a session that it names in
    another way, such as by an SPID."""

    def without_body(self, findings: Iterable[Finding] | None = None) -> CheckedMessage:
        """Return a copy without the bytes of the message, to keep or to send to another process.

        Args:
            findings: The findings of the copy; None keeps those of the original.

        Returns:
            The copy. Its message has the body b"".

        >>> checked = check_message(CapturedMessage("", b"<a/>"))
        >>> checked.without_body().message.body
        b''
        """
        return CheckedMessage(
            self.message._without_body(),
            self.findings if findings is None else tuple(findings),
            self.header,
            self.fault,
            self.method,
            self.size,
            self.errors,
            self.session_field,
            self.transport,
            self.cancels,
        )


def check_message(
    message: CapturedMessage,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> CheckedMessage:
    """Check a captured message as `iter_findings` does, with its direction and charset.

    A page that HTTP alone answers with is not a message: it has no findings and no header.

    Args:
        message: The message, from `iter_messages`.
        types: The known header blocks by expanded name.
        direction: The direction to use if the capture does not tell it: a member or its value.
        limits: The limits of `decode`.

    Returns:
        The message with its findings. It can be pickled.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `direction` is neither "request" nor "response".

    >>> [str(finding.code) for finding in check_message(CapturedMessage("", b"no XML")).findings]
    ['not-xml']
    """
    if not isinstance(message, CapturedMessage):
        raise wrong_type("message", "CapturedMessage", message)
    if message.trouble is not None:
        return CheckedMessage(message, (message.trouble,))
    facts, size = facts_of(message.headers), len(message.body)
    if not is_soap(message):
        transport = transport_of(message, facts.fields, is_soap=False)
        return CheckedMessage(message, (), size=size, transport=transport)
    side = message.direction or direction
    envelope: Envelope | None = None
    findings: Iterable[Finding]
    try:
        envelope = decode(
            message.body, types=types, direction=side, encoding=message.charset, limits=limits, deep=True
        )
        findings = envelope.warnings
    except XmlaHeadersError:
        findings = iter_findings(
            message.body, types=types, direction=side, encoding=message.charset, limits=limits
        )
    method = None if envelope is None else _method(envelope)
    if facts is not NO_FACTS:
        findings = (*findings_of(message, facts, envelope, method), *findings)
    transport = transport_of(message, facts.fields, is_soap=envelope is not None)
    if envelope is None:
        return CheckedMessage(
            message, tuple(findings), size=size, session_field=facts.session_id, transport=transport
        )
    return CheckedMessage(
        message,
        tuple(findings),
        envelope.header,
        envelope.fault if method in ("Fault", None) else None,
        method,
        size,
        envelope.errors,
        facts.session_id,
        transport,
        cancelled_by(envelope.body) if method == "Execute" else (),
    )


def is_soap(message: CapturedMessage) -> bool:
    """Return whether a body is checked as SOAP. Pages that HTTP alone answers with are not.

    Args:
        message: The message, from `iter_messages`.

    Returns:
        True unless the capture leaves the body out, or the status is an error of HTTP and the first 4,096
        bytes contain no Envelope.

    >>> is_soap(CapturedMessage("response/0", b"Bad Gateway", status=502))
    False
    """
    if message.omitted or (message.status in WITHOUT_BODY and not message.body):
        return False
    return message.status is None or message.status in _SOAP_STATUS or b"Envelope" in message.body[:4096]


def _method(envelope: Envelope) -> str | None:
    """Return the local name of the first element in the Body."""
    match = _FIRST_ELEMENT.match(envelope.body.view)
    if match is None:
        return None
    return match[1].rpartition(b":")[2].decode("utf-8", "replace")
