"""Names in XML 1.0 without a colon."""

from __future__ import annotations

import pytest

from xmla_headers._xml.names import is_ncname


@pytest.mark.parametrize("name", ["a", "_", "a-b.c9", "é", "漢", "a·"])
def test_is_ncname_accepts_a_name(name: str) -> None:
    assert is_ncname(name)


# Python accepts the first three as identifiers. expat would parse the others as more than a name.
@pytest.mark.parametrize(
    "name",
    [
        "ª",
        "a\u00aa",
        "\u2118",
        "",
        "-a",
        "9",
        "a:b",
        "a b",
        "a/",
        "a>",
        "a b=''",
        "a\0",
        "\ud800",
        "<a",
        "a&",
    ],
)
def test_is_ncname_refuses_other_text(name: str) -> None:
    assert not is_ncname(name)
