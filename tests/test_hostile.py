"""Hostile and odd inputs get the verdicts of their manifest, within its bounds, in child processes.

One input crashes an unprotected interpreter, and an exceeded limit on memory or time must fail one test, not
all. Run as a script, this file is the child.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers
from tests.data.hostile.load import manifest, read

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import resource
except ImportError:  # not available on Windows
    _HAS_RESOURCE = False
else:
    _HAS_RESOURCE = True

_STATM = Path("/proc/self/statm")
_CAN_LIMIT = _HAS_RESOURCE and _STATM.exists()
_CAN_TIME = hasattr(signal, "setitimer")

_ROOT = Path(__file__).resolve().parent.parent
_VECTORS = {test["name"]: test for test in manifest("decode")}
#: A factor on the bounds on time of the manifest, because the children may share the machine.
_PATIENCE = 10

#: Bounds on memory in MiB for vectors whose bound in the manifest is less than expat alone takes: 124 bytes
#: for each open element, 80 for each distinct name, and with `deep` the name as an object.
_EXTRA_MIB = {"n_limit_unclosed_1m": 192, "i_limit_unique_names_500k": 128}

#: Audit events that reading a message must not cause.
_FORBIDDEN = (
    "open",
    "import",
    "socket.",
    "subprocess.",
    "os.",
    "urllib.",
    "shutil.",
    "ctypes.",
    "exec",
    "compile",
)


# -- the child ---------------------------------------------------------------------------------------


class _Guard:
    """Limits time and memory of a call, and records its audit events."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.watching = False
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.watching and event.startswith(_FORBIDDEN):
            self.events.append(f"{event} {str(arguments)[:200]}")

    def call(self, function: Callable[[], dict[str, Any]], labels: dict[str, Any]) -> dict[str, Any]:
        # A signal ends the process even in C code; a thread would take address space.
        if _CAN_TIME:
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE * labels["max_seconds"])
        self.events.clear()
        self._limit(labels["max_extra_mib"])
        self.watching = True
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - the test looks for exceptions that escape
            result = {"escaped": f"{type(error).__name__}: {str(error)[:200]}"}
        finally:
            self.watching = False
            self._limit(None)
            if _CAN_TIME:
                signal.setitimer(signal.ITIMER_REAL, 0)
        if self.events:
            result["events"] = list(self.events)
        return result

    def _limit(self, extra_mib: int | None) -> None:
        if not _CAN_LIMIT:
            return
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = hard
        if extra_mib is not None:
            now = int(_STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
            soft = now + (extra_mib << 20)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _said(function: Callable[..., Any], data: bytes, **arguments: Any) -> dict[str, Any]:
    try:
        value = function(data, **arguments)
    except xmla_headers.XmlaHeadersError as error:
        return {"code": str(error.code)}
    header = value.header if isinstance(value, xmla_headers.Envelope) else value
    said: dict[str, Any] = {"header": [_facts(block) for block in header]}
    if isinstance(value, xmla_headers.Envelope):
        said["warnings"] = [str(finding.code) for finding in value.warnings]
    return said


def _facts(block: xmla_headers.HeaderBlock | xmla_headers.UnknownHeaderBlock) -> dict[str, Any]:
    if isinstance(block, xmla_headers.UnknownHeaderBlock):
        return {"kind": None, "xml": block.xml.decode()}
    facts = {"kind": type(block).__name__, "must_understand": block.must_understand}
    if isinstance(block, xmla_headers.Session | xmla_headers.EndSession):
        facts["session_id"] = block.session_id
    return facts


def _codes(data: bytes, **arguments: Any) -> dict[str, Any]:
    errors: list[str] = []
    warnings: list[str] = []
    for finding in xmla_headers.iter_findings(data, **arguments):
        (errors if finding.severity is xmla_headers.Severity.ERROR else warnings).append(str(finding.code))
    return {"code": errors[0], "warnings": warnings} if errors else {"warnings": warnings}


def _child(names: list[str]) -> None:
    guard = _Guard()
    # The first calls compile regular expressions and import modules, which must not count.
    _said(xmla_headers.decode, b"<a/>")
    for name in names:
        labels = _VECTORS[name]
        labels["max_extra_mib"] = _EXTRA_MIB.get(name, labels["max_extra_mib"])
        data = read(labels)
        _tell({"begin": name})
        calls: dict[str, Callable[[], dict[str, Any]]] = {
            "decode": lambda data=data: _said(xmla_headers.decode, data),  # type: ignore[misc]
            "deep": lambda data=data: _said(xmla_headers.decode, data, deep=True),  # type: ignore[misc]
            "header": lambda data=data: _said(xmla_headers.decode_header, data),  # type: ignore[misc]
            "findings": lambda data=data: _codes(data, deep=False),  # type: ignore[misc]
            "deep_findings": lambda data=data: _codes(data, deep=True),  # type: ignore[misc]
        }
        _tell({"end": name, **{key: guard.call(call, labels) for key, call in calls.items()}})


def _child_with_namespaces(_: list[str]) -> None:
    # expat takes a refused allocation for an error in the text, so the limit alone would show nothing.
    labels = {"max_seconds": 2, "max_extra_mib": 128}
    guard = _Guard()
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    start, end = f'<s:Envelope xmlns:s="{soap}"{{}}><s:Body>', "</s:Body></s:Envelope>"
    many = "".join(f' p:a{number}=""' for number in range(10_000))
    tag = many[: many.index(" p:a115=")]
    texts = {
        # The namespace name times the attributes: a gigabyte.
        "Body": (start.format(""), f'<a xmlns:p="{"u" * 100_000}"{many}/>'),
        "head": (start.format(f' xmlns:p="{"u" * 4_000}"'), f"<a{many}/>"),
        # Every tag is as long as the quick check allows.
        "tags": (start.format(""), f'<a xmlns:p="{"u" * 500}">' + f"<a{tag}/>" * 1_000 + "</a>"),
    }
    harmless = "<a/>" * 300_000
    _codes((start.format("") + harmless + end).encode())
    _fragment(harmless.encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, (head, body) in texts.items():
        data, content = (head + body + end).encode(), body.encode()
        _tell({"name": name, **guard.call(lambda data=data: _codes(data), labels)})  # type: ignore[misc]
        _tell({"name": name, **guard.call(lambda content=content: _fragment(content), labels)})  # type: ignore[misc]
    _tell({"name": "MiB", "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10})


def _fragment(content: bytes) -> dict[str, Any]:
    try:
        return {"length": len(xmla_headers.Fragment(content))}
    except xmla_headers.XmlaHeadersError as error:
        return {"code": str(error.code)}


def _child_that_takes_too_much(_: list[str]) -> None:
    labels = {"max_seconds": 2, "max_extra_mib": 64}
    _tell(_Guard().call(lambda: {"length": len(b"x" * (512 << 20))}, labels))


def _child_that_takes_too_long(_: list[str]) -> None:
    labels = {"max_seconds": 0.05, "max_extra_mib": 64}
    _Guard().call(lambda: {"sum": sum(iter(int, 1))}, labels)


def _child_that_opens_a_file(_: list[str]) -> None:
    labels = {"max_seconds": 2, "max_extra_mib": 64}
    _tell(_Guard().call(lambda: {"text": Path(__file__).read_text(encoding="utf-8")[:1]}, labels))


def _tell(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


# -- the parent --------------------------------------------------------------------------------------


def _run(kind: str, names: list[str], seconds: float) -> tuple[list[dict[str, Any]], str]:
    """Return the messages of a child, and how it failed; empty if it did not."""
    path = os.pathsep.join([str(_ROOT), str(Path(xmla_headers.__file__).parent.parent)])
    try:
        done = subprocess.run(
            [sys.executable, __file__, kind, *names],
            capture_output=True,
            check=False,
            timeout=seconds,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired as expired:
        output, ended = expired.stdout or b"", f"still running after {seconds} s"
    else:
        output = done.stdout
        tail = done.stderr.decode(errors="replace")[-2000:]
        ended = f"exit status {done.returncode}\n{tail}" if done.returncode else ""
    return [json.loads(line) for line in output.splitlines()], ended


@functools.cache
def _group(recipe: str | None) -> dict[str, dict[str, Any]]:
    """Return the results of all vectors from one child, except that a vector `recipe` has its own."""
    kept = [name for name, labels in _VECTORS.items() if "recipe" not in labels]
    names = kept if recipe is None else [recipe]
    results: dict[str, dict[str, Any]] = {}
    while names:
        seconds = 60 + sum(5 * _PATIENCE * _VECTORS[name]["max_seconds"] for name in names)
        told, ended = _run("vectors", names, seconds)
        results.update((message["end"], message) for message in told if "end" in message)
        if ended:
            begun = [message["begin"] for message in told if "begin" in message]
            broken = begun[-1] if begun else names[0]
            results[broken] = {"ended": ended}
        names = [name for name in names if name not in results]
    return results


def _result(name: str) -> dict[str, Any]:
    labels = _VECTORS[name]
    result = _group(name if "recipe" in labels else None)[name]
    assert "ended" not in result, f"the child that read {name} failed: {result['ended']}"
    for call, said in result.items():
        if isinstance(said, dict):
            assert "escaped" not in said, f"{call} of {name} raised {said['escaped']}"
            assert "events" not in said, f"{call} of {name} caused {said['events']}"
    return result


def _check(name: str, said: dict[str, Any], verdict: str, codes: list[str]) -> None:
    if verdict == "accept":
        assert "code" not in said, f"{name} is refused: {said['code']}"
    if verdict == "reject":
        assert "code" in said, f"{name} is accepted"
        assert said["code"] in codes


#: Vectors made by a recipe are as large as a limit allows, and each has its own child.
each_vector = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if "recipe" in labels else name
        for name, labels in _VECTORS.items()
    ],
)


@each_vector
def test_decode_of_a_hostile_input_matches_the_manifest(name: str) -> None:
    labels, said = _VECTORS[name], _result(name)["decode"]
    _check(name, said, labels["verdict"], labels["codes"])
    if "code" in said:
        return
    assert set(labels["warnings"] or ()) <= set(said["warnings"])
    if labels["expect"] is not None:
        found = [block for block in said["header"] if block["kind"] is not None]
        expected = labels["expect"]["headers"]
        assert [
            {key: block[key] for key in wanted} for wanted, block in zip(expected, found, strict=True)
        ] == expected


@each_vector
def test_deep_decode_of_a_hostile_input_matches_the_manifest(name: str) -> None:
    labels, result = _VECTORS[name], _result(name)
    verdict = labels.get("deep_verdict", labels["verdict"])
    _check(name, result["deep"], verdict, labels.get("deep_codes", labels["codes"]))
    if "code" not in result["deep"]:
        assert result["deep"] == result["decode"]


@each_vector
def test_hostile_input_readers_agree(name: str) -> None:
    result = _result(name)
    decoded, header = result["decode"], result["header"]
    assert result["findings"].get("code") == decoded.get("code")
    assert result["deep_findings"].get("code") == result["deep"].get("code")
    if "code" not in decoded:
        assert header == {"header": decoded["header"]}
        assert result["findings"]["warnings"] == decoded["warnings"]
    elif "code" in header:
        assert header["code"] == decoded["code"]


# expat copies the namespace name into the name of each attribute with a prefix.
@pytest.mark.slow
@pytest.mark.skipif(not _CAN_LIMIT, reason="no RLIMIT_AS or no /proc here: memory is not limited")
def test_namespaces_in_the_body_need_little_memory() -> None:
    told, ended = _run("namespaces", [], 200)
    assert not ended
    assert told.pop()["grown"] <= 16
    assert [(said["name"], said.get("code"), "escaped" in said) for said in told] == [
        ("Body", "limit-exceeded", False),
        ("Body", None, False),
        ("head", "limit-exceeded", False),
        ("head", "bad-fragment", False),
        ("tags", None, False),
        ("tags", None, False),
    ]


@pytest.mark.skipif(not _CAN_LIMIT, reason="no RLIMIT_AS or no /proc here: memory is not limited")
def test_child_with_too_much_memory_is_reported() -> None:
    told, ended = _run("memory", [], 60)
    assert not ended
    assert told[0]["escaped"].startswith("MemoryError")


@pytest.mark.slow
def test_child_that_takes_too_long_is_reported() -> None:
    # Without a timer, only the parent ends the child.
    told, ended = _run("time", [], 60 if _CAN_TIME else 3)
    assert not told
    assert ended


def test_child_that_opens_a_file_is_reported() -> None:
    told, ended = _run("file", [], 60)
    assert not ended
    assert told[0]["events"][0].startswith("open")


if __name__ == "__main__":
    {
        "vectors": _child,
        "namespaces": _child_with_namespaces,
        "memory": _child_that_takes_too_much,
        "time": _child_that_takes_too_long,
        "file": _child_that_opens_a_file,
    }[sys.argv[1]](sys.argv[2:])
