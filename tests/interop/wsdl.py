"""The WSDL of Discover and Execute, and a copy of it that declares the session headers."""

from __future__ import annotations

from pathlib import Path

__all__ = ["WSDL", "with_headers"]

WSDL = Path(__file__).with_name("xmla.wsdl")

_BLOCKS = ("BeginSession", "Session", "EndSession")
_ATTRIBUTE = '<xs:attribute name="SessionId" type="xs:string"/>'
_ELEMENTS = "".join(
    f'<xs:element name="{name}"><xs:complexType>{_ATTRIBUTE * (name != "BeginSession")}</xs:complexType>'
    "</xs:element>"
    for name in _BLOCKS
)
_MESSAGES = "".join(
    f'<wsdl:message name="{name}Header"><wsdl:part name="{name}" element="x:{name}"/></wsdl:message>'
    for name in _BLOCKS
)
_HEADERS = {name: f'<soap:header message="x:{name}Header" part="{name}" use="literal"/>' for name in _BLOCKS}


def with_headers(path: Path) -> Path:
    """Write a copy that declares the three in requests and Session in answers, as Microsoft's WSDL does."""
    text = WSDL.read_text(encoding="utf-8")
    for old, new in (
        ("</xs:schema>", f"{_ELEMENTS}</xs:schema>"),
        ("<wsdl:portType", f"{_MESSAGES}<wsdl:portType"),
        ("<wsdl:input><soap:", f"<wsdl:input>{''.join(_HEADERS.values())}<soap:"),
        ("<wsdl:output><soap:", f"<wsdl:output>{_HEADERS['Session']}<soap:"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path
