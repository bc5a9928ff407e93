"""The WSDL that real SOAP stacks get in tests/interop says what each of them must be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree

from tests.interop.wsdl import WSDL, with_headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WSDL_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"


@pytest.mark.parametrize("written", [lambda _: WSDL, with_headers], ids=["plain", "with headers"])
def test_wsdl_for_peers_has_the_style_document(written: Callable[[Path], Path], tmp_path: Path) -> None:
    # It is the default (WSDL 1.1 §3.3), but strong-soap needs the word.
    root = ElementTree.fromstring(written(tmp_path / "written.wsdl").read_bytes())
    assert [binding.get("style") for binding in root.iter(f"{WSDL_SOAP}binding")] == ["document"]
    operations = list(root.iter(f"{WSDL_SOAP}operation"))
    # An operation may have a style of its own, which replaces that of the binding.
    assert [operation.get("style", "document") for operation in operations] == ["document"] * 2
    assert {body.get("use") for body in root.iter(f"{WSDL_SOAP}body")} == {"literal"}
