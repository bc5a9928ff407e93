"""How much CPU does `import xmla_headers` take in addition to a bare interpreter?"""

from __future__ import annotations

import os
import subprocess
import sys
from operator import truediv
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import xmla_headers

from ._measure import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._measure import Cell

# The modules of the standard library that the values need.
BASE = "dataclasses, enum, re"
COLUMNS = ("import", "ms CPU", f"times {BASE}", "at most")
# Import -> how many times BASE it may take.
IMPORTS = {
    "xmla_headers": 2.8,
    BASE: None,
    "pyexpat": None,
    "lxml.etree": None,
    "defusedxml.ElementTree": None,
    "xmltodict": None,
    "xsdata.formats.dataclass.parsers": None,
    "zeep": None,
    "spyne": None,
}
CODE = """
import sys, time, site
sys.path += {path!r}
start = time.process_time()
import {name}
print(time.process_time() - start)
"""


def run(*, quick: bool) -> Iterator[Table]:
    spent: dict[str, list[float]] = {name: [] for name in IMPORTS}
    notes = ["in child processes that do not read .pth files; bytecode is cached"]
    with TemporaryDirectory() as folder:
        # The first round writes the bytecode.
        for number in range(4 if quick else 22):
            for name in list(spent):
                seconds = _import(name, folder)
                if seconds is None:
                    del spent[name]
                    notes.append(f"{name} is not installed")
                elif number:
                    spent[name].append(seconds)
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            1000 * median(spent[name]) if name in spent else None,
            median(map(truediv, spent[name], spent[BASE])) if name in spent else None,
            at_most,
        )
        for name, at_most in IMPORTS.items()
    ]
    yield Table("import, in addition to a bare interpreter", COLUMNS, rows, notes)


def _import(name: str, folder: str) -> float | None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONPYCACHEPREFIX"] = folder
    package = str(Path(xmla_headers.__file__).parents[1])
    code = CODE.format(path=[package, *_site_packages()], name=name)
    command = (sys.executable, "-S", "-c", code)
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return None if child.returncode else float(child.stdout)


def _site_packages() -> list[str]:
    return [folder for folder in sys.path if folder.endswith("-packages")]
