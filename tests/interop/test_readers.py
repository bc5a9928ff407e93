"""The mistakes of real peers that the harness finds are in the table of the documentation."""

from __future__ import annotations

import pytest

from tests.interop.peer_processes import Absent
from tests.interop.peer_readers import PEERS, peer_reader
from tests.readers import READERS, broken_rules, table
from tests.test_readers import columns, table_of_readers


@pytest.mark.parametrize("peer", PEERS)
def test_readers_table_agrees_with_the_harness_about_peers(peer: str) -> None:
    try:
        broken = broken_rules(peer_reader(peer))
    except Absent as absent:
        pytest.skip(str(absent))
    assert frozenset(columns(table_of_readers()).get(peer, ())) == broken, f"the whole of it:\n{_whole()}"


def _whole() -> str:
    said = columns(table_of_readers())
    broken = {name: broken_rules(reader) for name, reader in READERS.items()}
    for name in PEERS:
        try:
            broken[name] = broken_rules(peer_reader(name))
        except Absent:
            broken[name] = frozenset(said.get(name, ()))
    return table(broken)


def test_spyne_reads_the_last_duplicate_zeep_the_first() -> None:
    said = columns(table_of_readers())
    assert "last duplicate wins" in said["spyne"]
    assert "first duplicate wins" in said["zeep"]


def test_mono_refuses_the_duplicate_that_others_accept() -> None:
    accepting = {name for name, rules in columns(table_of_readers()).items() if _DUPLICATE in rules}
    assert set(PEERS) - accepting == {"Mono"}


_DUPLICATE = "accepts `duplicate-header-block`"
