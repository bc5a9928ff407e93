"""Peers of other languages: one process for each, which is asked on its standard input.

A frame is a number of fields, then each field: its length and its bytes. Numbers have four bytes, the most
significant one first. The first field of a question is what to do:

* ``read``, a message: read its session headers.
* ``serve``, a message, the id to grant, the known ids: answer it as a server.
* ``call``, an address, the name of a session header or nothing, its id, something for mustUnderstand: send a
  request.

The answer to the first two is a status, a message, and a name and an id for each session header that was
read; to the third ``answer`` and the id that was granted, or ``fault``, faultcode, faultstring and ErrorCode;
``error`` and a text if the peer raised an exception. An id has "=" before it, and no id is an empty field.
"""

from __future__ import annotations

import atexit
import select
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from .wsdl import with_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PROCESSES", "Absent", "Called", "Found", "PeerError", "Process", "Served", "process"]

#: The name and the id of each session header that a peer found.
Found: TypeAlias = list[tuple[str, str | None]]

_HERE = Path(__file__).parent
_SECONDS = 50.0
_JARS = Path("/usr/share/java")
_CLASSPATH = [
    str(_JARS / f"{name}.jar")
    for name in ("saaj-impl", "javax.xml.soap-api", "javax.activation", "mimepull", "stax-ex")
]
_ASSEMBLIES = ("System.ServiceModel", "System.Web.Services", "System.Runtime.Serialization")


class Absent(Exception):  # noqa: N818 - not an error of anybody
    """The peer is not installed; the text names its packages."""


class PeerError(Exception):
    """The peer refused a message."""


@dataclass(frozen=True)
class Called:
    """The result of a call by a client."""

    #: The id of the Session header.
    granted: str | None = None
    #: faultcode, faultstring, and ErrorCode or nothing.
    fault: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Served:
    """The answer of a server, and the session headers that it read."""

    status: int
    data: bytes
    found: Found


@dataclass(frozen=True)
class _Program:
    """How a peer is built and run: SOURCE is its source, FOLDER where it is built, WSDL the service."""

    source: str
    packages: str
    run: Sequence[str]
    build: Sequence[str] = ()
    #: Files that must be there besides the commands.
    needs: Sequence[str] = ()
    #: A command that succeeds if the libraries are there.
    test: Sequence[str] = ()


PROCESSES = {
    "PHP": _Program(
        "php/peer.php",
        "php-cli php-soap",
        ("php", "SOURCE", "WSDL"),
        test=("php", "-r", "exit(extension_loaded('soap') ? 0 : 1);"),
    ),
    "Mono": _Program(
        "mono/Peer.cs",
        "mono-mcs mono-runtime libmono-system-web-services4.0-cil libmono-system-servicemodel4.0a-cil",
        ("mono", "FOLDER/Peer.exe"),
        build=("mcs", "-out:FOLDER/Peer.exe", *(f"-r:{name}" for name in _ASSEMBLIES), "SOURCE"),
        needs=tuple(f"/usr/lib/mono/4.5/{name}.dll" for name in _ASSEMBLIES),
    ),
    "SAAJ": _Program(
        "saaj/Peer.java",
        "libsaaj-java libsaaj-ri-java default-jdk-headless",
        ("java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", ":".join(["FOLDER", *_CLASSPATH]), "Peer"),
        build=("javac", "-proc:none", "-d", "FOLDER", "-cp", ":".join(_CLASSPATH), "SOURCE"),
        needs=_CLASSPATH,
    ),
    "SOAP::Lite": _Program(
        "perl/peer.pl",
        "libsoap-lite-perl",
        ("perl", "SOURCE"),
        test=("perl", "-MSOAP::Lite", "-e", "1"),
    ),
}


class Process:
    """A running peer."""

    def __init__(self, command: Sequence[str], folder: TemporaryDirectory[str]) -> None:
        self._lock = Lock()
        # A fork forgets the exit functions, and would delete the folder if there were no other reference.
        self._folder = folder
        # Without buffers, so that a fork of this process can ask too.
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )

    def read(self, data: bytes) -> Found:
        """Return the session headers that the peer finds in a message."""
        status, said, *found = self._ask(b"read", data)
        if status != b"200":
            raise PeerError(said.decode("utf-8", "replace"))
        return _pairs(found)

    def serve(self, data: bytes, granted: str, known: Iterable[str]) -> Served:
        """Let the peer answer a request; it grants an id, and knows those of some sessions."""
        status, answer, *found = self._ask(b"serve", data, granted.encode(), *(one.encode() for one in known))
        return Served(int(status), answer, _pairs(found))

    def call(self, url: str, name: str, session_id: str | None, *, must_understand: bool) -> Called:
        """Let the peer send a request with a session header, or without one if the name is empty."""
        session = b"" if session_id is None else b"=" + session_id.encode()
        kind, *said = self._ask(b"call", url.encode(), name.encode(), session, b"1" * must_understand)
        if kind == b"fault":
            code, string, error_code = (field.decode() for field in said)
            return Called(fault=(code, string, error_code))
        return Called(granted=said[0].decode()[1:] if said[0] else None)

    def _ask(self, *fields: bytes) -> list[bytes]:
        stdin = self._child.stdin
        assert stdin is not None
        frame = struct.pack(">I", len(fields))
        frame += b"".join(struct.pack(">I", len(field)) + field for field in fields)
        with self._lock:
            while frame:
                frame = frame[stdin.write(frame) :]
            answer = [self._take(self._number()) for _ in range(self._number())]
        if answer[0] == b"error":
            raise PeerError(answer[1].decode("utf-8", "replace"))
        return answer

    def close(self) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(_SECONDS)
        self._child.stdout.close()
        self._folder.cleanup()

    def _number(self) -> int:
        (number,) = struct.unpack(">I", self._take(4))
        assert isinstance(number, int)
        return number

    def _take(self, size: int) -> bytes:
        assert self._child.stdout is not None
        data = bytearray()
        while len(data) < size:
            if not select.select([self._child.stdout], [], [], _SECONDS)[0]:
                self._child.kill()
                raise PeerError(f"the peer gave no answer in {_SECONDS:.0f} seconds")
            more = self._child.stdout.read(size - len(data))
            if not more:
                raise PeerError(f"the peer ended with status {self._child.poll()}")
            data += more
        return bytes(data)


def _pairs(fields: Sequence[bytes]) -> Found:
    texts = [field.decode() for field in fields]
    return [(name, said[1:] if said else None) for name, said in zip(texts[::2], texts[1::2], strict=True)]


@cache
def process(name: str) -> Process:
    """Build and start a peer, or return the one that runs; raise Absent if it is not installed."""
    program = PROCESSES[name]
    absent = Absent(f"{name} is not installed (Debian: {program.packages})")
    commands = {command[0] for command in (program.run, program.build, program.test) if command}
    if not all(map(shutil.which, commands)) or not all(Path(path).exists() for path in program.needs):
        raise absent
    if program.test and _run(program.test).returncode:
        raise absent
    built = TemporaryDirectory(prefix="xmla-headers-peer-")
    source, folder = _HERE / program.source, Path(built.name)
    if program.build:
        result = _run(_filled(program.build, source, folder))
        assert result.returncode == 0, result.stdout + result.stderr
    running = Process(_filled(program.run, source, folder), built)
    atexit.register(running.close)
    return running


def _filled(command: Sequence[str], source: Path, folder: Path) -> list[str]:
    places = {"SOURCE": str(source), "FOLDER": str(folder)}
    if "WSDL" in command:
        places["WSDL"] = str(with_headers(folder / "xmla-with-headers.wsdl"))
    filled = list(command)
    for place, value in places.items():
        filled = [part.replace(place, value) for part in filled]
    return filled


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
