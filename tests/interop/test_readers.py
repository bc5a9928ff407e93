"""The mistakes of spyne and zeep that the harness finds are in the table of the documentation."""

from __future__ import annotations

import pytest

from tests.interop.peer_readers import PEERS
from tests.readers import READERS, broken_rules, table
from tests.test_readers import columns, table_of_readers


@pytest.mark.parametrize("peer", ["spyne", "zeep"])
def test_readers_table_agrees_with_the_harness_about_peers(peer: str) -> None:
    if peer not in PEERS:
        pytest.skip(f"{peer} is not installed")
    readers = {**READERS, **PEERS}
    expected = "the whole of it:\n" + table({name: broken_rules(reader) for name, reader in readers.items()})
    assert frozenset(columns(table_of_readers())[peer]) == broken_rules(PEERS[peer]), expected


def test_spyne_reads_the_last_duplicate_zeep_the_first() -> None:
    said = columns(table_of_readers())
    assert "last duplicate wins" in said["spyne"]
    assert "first duplicate wins" in said["zeep"]
