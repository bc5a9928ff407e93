"""The recipe for more captures than one machine can check, on a local cluster."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture_files import BEGIN, Exchange, end, har, lost, message, session
from xmla_headers import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The number of sessions in a file and of files: 20,000 messages in all.
SESSIONS, FILES = 100, 25


@pytest.fixture
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        # Deprecation warnings about dependencies of the cluster do not concern this library.
        warnings.simplefilter("ignore")
        from dask.distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
            Client(local) as client,
        ):
            yield client


def test_dask_recipe_reports_the_same_as_one_process(tmp_path: Path, cluster: Any) -> None:
    import dask_captures

    paths = []
    for number in range(FILES):
        exchanges = []
        for one in range(SESSIONS):
            name = f"session-{number}-{one}"
            exchanges += [
                Exchange(message(BEGIN), message(session(name))),
                Exchange(message(session(name)), message()),
                Exchange(message(session(name)), lost(name) if one == 7 else message()),
                Exchange(message(end(name)), message()),
            ]
        path = tmp_path / f"{number:02}.har"
        path.write_bytes(har(exchanges))
        paths.append(str(path))

    cluster.upload_file(dask_captures.__file__)
    found, sessions = dask_captures.check_all(paths)

    assert len(sessions) == SESSIONS * FILES
    assert sum(record.requests for record in sessions) == SESSIONS * FILES * 4
    assert [record.state for record in sessions].count(State.LOST) == FILES
    assert [(name.partition(".har")[0][-2:], str(finding.code)) for name, finding in found] == [
        (f"{number:02}", code) for number in range(FILES) for code in ("session-lost", "unknown-session")
    ]
    assert len(cluster.scheduler_info()["workers"]) == 2
