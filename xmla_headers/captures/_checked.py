"""A captured message, judged by the rules: what is left of it for reports and for the transcript."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xmla_headers._checks import wrong_type
from xmla_headers._codec.options import DEFAULT_LIMITS
from xmla_headers.codec import decode, iter_findings
from xmla_headers.findings import XmlaHeadersError
from xmla_headers.session_headers import SESSION_BLOCKS

from ._message import CapturedMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xmla_headers.envelope import Envelope, Header
    from xmla_headers.fault import Fault
    from xmla_headers.findings import Finding
    from xmla_headers.model import HeaderBlock
    from xmla_headers.soap import Direction, Limits


__all__ = ["CheckedMessage", "check_message", "is_soap"]

#: SOAP 1.1 §6.2: a response has a status of 2xx, or 500 with a fault in it.
_SOAP_STATUS = frozenset({*range(200, 300), 500})
_FIRST_ELEMENT = re.compile(rb"(?:\s++|<!--.{0,500}?-->){0,20}+<([^\s<>/\"'=]{1,200})(?=[\s/>])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """What the rules say about a captured message, and what it means for a session."""

    message: CapturedMessage
    findings: tuple[Finding, ...]
    #: None where the message is refused, or is no SOAP.
    header: Header | None = None
    fault: Fault | None = None
    #: The local name of the Body's first element: Discover, ExecuteResponse, Fault.
    method: str | None = None
    #: Bytes of the message.
    size: int = 0

    def without_body(self, findings: Iterable[Finding] | None = None) -> CheckedMessage:
        """Return the same without the bytes of the message, to keep or to send to another process.

        And with these findings, if they are given.
        """
        kept = self.findings if findings is None else tuple(findings)
        return replace(self, message=replace(self.message, body=b""), findings=kept)


def check_message(
    message: CapturedMessage,
    *,
    types: Mapping[str, type[HeaderBlock]] = SESSION_BLOCKS,
    direction: Direction | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> CheckedMessage:
    """Judge a captured message by the rules, as `iter_findings` does, in its direction and charset.

    `direction` is for messages whose capture does not tell. An error page of HTTP is no message: it has
    no findings, and no header. Pure; the result pickles.
    """
    if not isinstance(message, CapturedMessage):
        raise wrong_type("message", "CapturedMessage", message)
    if message.trouble is not None:
        return CheckedMessage(message, (message.trouble,))
    if not is_soap(message):
        return CheckedMessage(message, (), size=len(message.body))
    side = message.direction or direction
    try:
        envelope = decode(
            message.body, types=types, direction=side, encoding=message.charset, limits=limits, deep=True
        )
    except XmlaHeadersError:
        findings = iter_findings(
            message.body, types=types, direction=side, encoding=message.charset, limits=limits
        )
        return CheckedMessage(message, tuple(findings), size=len(message.body))
    method = _method(envelope)
    return CheckedMessage(
        message,
        envelope.warnings,
        envelope.header,
        envelope.fault if method in ("Fault", None) else None,
        method,
        len(message.body),
    )


def is_soap(message: CapturedMessage) -> bool:
    """Whether the body is to be held to the rules: what HTTP alone answers with is not."""
    return message.status is None or message.status in _SOAP_STATUS or b"Envelope" in message.body[:4096]


def _method(envelope: Envelope) -> str | None:
    match = _FIRST_ELEMENT.match(envelope.body.view)
    if match is None:
        return None
    return match[1].rpartition(b":")[2].decode("utf-8", "replace")
