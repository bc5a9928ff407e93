"""The files that the command reads in folders, and the files that it names in annotations."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xmla_headers import fuzzing
from xmla_headers.captures import Format
from xmla_headers.cli._folders import NAMES, is_foreign

from .capture_files import BEGIN, Exchange, har, message, saz, session, stream
from .each import each
from .test_cli import CLEAN, REFUSED, WARNED, run

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
SOAP_NS = "http://schemas.xmlsoap.org/soap/envelope/"


def write(folder: Path, files: Iterable[str]) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CLEAN, encoding="utf-8")


def checked(folder: Path, *options: str) -> set[str]:
    """Return the names of the messages that `check` reads in a folder."""
    document = json.loads(run("check", "--format", "json", *options, folder)[1])
    return {Path(item["path"]).relative_to(folder).as_posix() for item in document["messages"]}


# -- hidden and excluded --------------------------------------------------------------------------------


def test_check_skips_hidden_folders(tmp_path: Path) -> None:
    write(tmp_path, ["a.xml", "sub/b.xml", ".git/c.xml", "sub/.venv/deep/d.xml", ".e.xml"])
    assert checked(tmp_path) == {"a.xml", "sub/b.xml", ".e.xml"}
    # A hidden folder that is named is read.
    assert checked(tmp_path / ".git") == {"c.xml"}


FILES = ["a.xml", "b.har.xml", "old/a.xml", "new/old/c.xml", "new/d.xml"]


@each(
    ("globs", "left"),
    [
        ([], FILES),
        (["a.xml"], ["b.har.xml", "new/old/c.xml", "new/d.xml"]),
        (["*.har.*"], ["a.xml", "old/a.xml", "new/old/c.xml", "new/d.xml"]),
        (["old"], ["a.xml", "b.har.xml", "new/d.xml"]),
        (["old/"], ["a.xml", "b.har.xml", "new/d.xml"]),
        (["new/old"], ["a.xml", "b.har.xml", "old/a.xml", "new/d.xml"]),
        (["new/*"], ["a.xml", "b.har.xml", "old/a.xml"]),
        (["*/a.xml"], ["a.xml", "b.har.xml", "new/old/c.xml", "new/d.xml"]),
        (["[ab].xml", "new"], ["b.har.xml"]),
        (["nothing", "A.x"], FILES),
    ],
)
def test_check_exclude_skips_names_and_paths(tmp_path: Path, globs: list[str], left: list[str]) -> None:
    write(tmp_path, FILES)
    assert checked(tmp_path, *(part for glob in globs for part in ("--exclude", glob))) == set(left)


def test_check_exclude_spares_a_named_file(tmp_path: Path) -> None:
    write(tmp_path, ["a.xml"])
    assert run("check", "--exclude", "*.xml", tmp_path / "a.xml")[0] == 0
    status, _, err = run("check", "--exclude", "*.xml", tmp_path)
    assert (status, err) == (
        2,
        f"xmla-headers: {tmp_path}: this folder has no {NAMES}\n",
    )


def test_timeline_and_redact_exclude(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    write(source, FILES)
    assert run("timeline", "--exclude", "old", "--exclude", "new", source)[1].startswith("in: 2 messages, ")
    assert run("redact", "--exclude", "a.xml", source, "-o", target)[0] == 0
    copied = {path.relative_to(target).as_posix() for path in target.rglob("*.xml")}
    assert copied == {"b.har.xml", "new/old/c.xml", "new/d.xml"}


# -- XML without SOAP -----------------------------------------------------------------------------------

FOREIGN = {
    "element": "<project/>",
    "namespaces": '<a:project xmlns:a="urn:a" xmlns="http://schemas.xmlsoap.org/wsdl/soap/"><a/></a:project>',
    "prolog": '<?xml version="1.0"?>\n<!-- <Envelope> --><?xml-stylesheet href="a"?>\n<plist/>',
    "doctype": '<!DOCTYPE plist PUBLIC "-//A" "a.dtd">\n<plist/>',
    "subset": '<!DOCTYPE a [\n<!ENTITY b "]">\n<!-- > -->\n] >\n<a>&b;</a>',
    "html": "<!doctype html><html><body>Envelope</body></html>",
    "broken": "<project><a></project>",
    "encoding": '<?xml version="1.0" encoding="windows-1252"?><a>\xe9</a>',
    "body": '<Discover xmlns="urn:schemas-microsoft-com:xml-analysis"/>',
}
NOT_FOREIGN = {
    "message": CLEAN,
    "refused": REFUSED,
    "no namespace": "<Envelope><Body/></Envelope>",
    "case": "<envelope/>",
    "prefix": "<x:Envelope/>",
    "root": f'<Envelop xmlns="{SOAP_NS}"/>',
    "https": '<a xmlns="https://schemas.xmlsoap.org/soap/envelope"/>',
    "upper": '<a xmlns="HTTP://SCHEMAS.XMLSOAP.ORG/SOAP/ENVELOPE/"/>',
    "soap 1.2": '<a xmlns="http://www.w3.org/2003/05/soap-envelope"/>',
    "inside": f"<log><s:Envelope xmlns:s='{SOAP_NS}'/></log>",
    "text": "no markup",
    "json": '{"a": 1}',
    "empty": "",
    "cut": "<",
    "cut in the name": "<soap:Env",
    "cut after a prefix": "<soap:",
    "comment": "<!-- not closed",
    "http": "HTTP/1.1 200 OK\r\n\r\n<a/>",
}


@each("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1"])
@each("name", [*FOREIGN, *NOT_FOREIGN])
def test_is_foreign_of_xml_without_soap_only(name: str, codec: str) -> None:
    text = FOREIGN.get(name) or NOT_FOREIGN[name]
    data = text.encode(codec, "replace")
    assert is_foreign(data) == is_foreign(memoryview(data)) == (name in FOREIGN)


def test_is_foreign_of_captures_in_xml_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_foreign(b"<items/>")
    # No format of captures is XML yet. One may have its messages in base64.
    monkeypatch.setattr("xmla_headers.cli._folders.format_of", lambda _: Format.HAR)
    assert not is_foreign(b"<items/>")


@pytest.mark.slow
def test_is_foreign_of_generated_envelope_is_false() -> None:
    foreign = [case for case in islice(fuzzing.iter_cases(3), 2_000) if is_foreign(case.data)]
    # Only those without an Envelope by design.
    assert {tuple(map(str, case.expected)) for case in foreign} == {("not-an-envelope",)}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of messages and other XML."""
    for name, text in {"a.xml": CLEAN, "b.xml": WARNED}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, text in FOREIGN.items():
        (tmp_path / f"foreign {name}.xml").write_text(text, encoding="utf-8")
    return tmp_path


def test_check_folder_counts_foreign_xml_as_skipped(mixed: Path) -> None:
    status, out, err = run("check", mixed)
    summary = f"2 messages checked: 0 refused, 1 warning, {len(FOREIGN)} without SOAP skipped"
    assert (status, out.splitlines()[-1], err) == (0, summary, "")
    document = json.loads(run("check", "--format", "json", mixed)[1])
    assert document["summary"]["skipped"] == len(FOREIGN)
    assert len(document["messages"]) == 2
    assert run("check", "--jobs", "2", mixed) == (status, out, err)


def test_check_named_foreign_xml_is_refused(mixed: Path) -> None:
    path = mixed / "foreign element.xml"
    status, out, _ = run("check", path)
    assert status == 1
    assert "error[not-an-envelope]" in out
    assert out.splitlines()[-1] == "1 message checked: 1 refused, 0 warnings"


def test_check_skip_foreign_skips_named_files(mixed: Path) -> None:
    named = sorted(mixed.iterdir())
    status, out, err = run("check", "--skip-foreign", *named)
    summary = f"2 messages checked: 0 refused, 1 warning, {len(FOREIGN)} without SOAP skipped"
    assert (status, out.splitlines()[-1], err) == (0, summary, "")
    (mixed / "c.xml").write_text(REFUSED, encoding="utf-8")
    assert run("check", "--skip-foreign", mixed / "c.xml")[0] == 1


def test_check_folder_of_foreign_xml_alone_exits_2(mixed: Path) -> None:
    for name in ("a.xml", "b.xml"):
        (mixed / name).unlink()
    status, out, err = run("check", mixed)
    assert status == 2
    assert err == f"xmla-headers: {mixed}: there is no message in this folder, only XML without SOAP\n"
    assert out.startswith("0 messages checked: ")
    assert run("check", "--skip-foreign", mixed)[0] == 0


def test_timeline_folder_states_skipped_files(mixed: Path) -> None:
    status, out, err = run("timeline", mixed)
    assert (status, err) == (0, f"xmla-headers: {len(FOREIGN)} files without SOAP skipped\n")
    assert out.splitlines()[0].startswith(f"{mixed.name}: 2 messages")


def test_redact_folder_keeps_foreign_xml(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("out")
    assert run("redact", mixed, "-o", target)[0] == 0
    assert {path.name for path in target.iterdir()} == {path.name for path in mixed.iterdir()}


# -- annotations ----------------------------------------------------------------------------------------


@each("name", ["a.xml", "a.har", "a.saz", "a.http", "sub/a.har"])
def test_github_annotation_names_the_capture(tmp_path: Path, name: str) -> None:
    answer = message(session("ID-123456")).replace(b"SessionId", b"SessionID")
    exchanges = [Exchange(message(session("ID-123456")), answer)]
    content = {"xml": answer, "har": har(exchanges), "saz": saz(exchanges), "http": stream(exchanges)}
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content[path.suffix[1:]])
    for argument in (path, tmp_path):
        lines = run("check", "--format", "github", argument)[1].splitlines()
        found = [
            re.fullmatch(r"::(\w+) file=([^,:]+)(,line=.*)?,title=([^:]+)::(.*)", line) for line in lines[:-1]
        ]
        assert found
        assert {match[2] for match in found if match} == {str(path)}
        (error,) = (match for match in found if match and match[4] == "missing-attribute")
        # A line of the message is a line of the file only if the message is the file.
        assert (error[3] is not None) == (path.suffix == ".xml")
        inside = "" if path.suffix == ".xml" else r"\S+[/_]\S*:1:\d+: "
        assert re.match(rf"{inside}(\w:)?Session has no SessionId", error[5])
        path.unlink() if argument == tmp_path else None


def test_github_annotation_at_the_end_names_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    granted = Exchange(message(BEGIN), message(session("ID-123456")))
    path.write_bytes(har([granted, Exchange(message(session("ID-123456")), None)]))
    out = run("check", "--format", "github", path)[1]
    assert f"::warning file={path},title=request-without-response::entries/1/request: " in out
