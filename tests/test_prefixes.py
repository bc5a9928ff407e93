"""Prefixes in scope: the ones that a piece of XML needs."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from xmla_headers._xml import prefixes
from xmla_headers._xml.prefixes import Scope

NAMES = st.text("abé", max_size=3)


@given(
    st.dictionaries(NAMES, st.just("urn:x"), max_size=24),
    st.text("abé:< ", max_size=40),
    st.sets(NAMES, max_size=4),
)
def test_scope_of_many_prefixes_needs_the_same_as_one_of_few(
    namespaces: dict[str, str], text: str, declared: set[str]
) -> None:
    xml = text.encode()
    with mock.patch.object(prefixes, "_FEW", 100):
        expected = Scope(namespaces).missing(xml, declared)
    with mock.patch.object(prefixes, "_FEW", -1):
        assert Scope(namespaces).missing(xml, declared) == expected


def test_scope_needs_prefixes_before_a_colon_and_the_default() -> None:
    scope = Scope({"b": "urn:b", "": "urn:d", "a": "urn:a", "c": "urn:c"})
    assert scope.missing(b"<a:x y='b:z'/>", {"a"}) == [("b", "urn:b"), ("", "urn:d")]


def test_scope_of_many_prefixes_keeps_their_order() -> None:
    namespaces = {f"p{number}": f"urn:{number}" for number in range(40)}
    xml = "".join(f"<{prefix}:a/>" for prefix in reversed(namespaces)).encode()
    assert Scope(namespaces).missing(xml) == list(namespaces.items())
