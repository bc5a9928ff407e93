"""Promises other than results: no side effects, linear cost, few imports."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
import tracemalloc
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xmla_headers
from tests.each import each
from xmla_headers import Limits, XmlaHeadersError
from xmla_headers._xml import namespaces as _namespaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_PACKAGE = Path(xmla_headers.__file__).resolve().parent
_SOURCES = {
    path.relative_to(_PACKAGE).with_suffix("").as_posix().replace("/", "."): path
    for path in sorted(_PACKAGE.rglob("*.py"))
}
#: Edges import the core; the core never imports them.
_EDGES = {
    *("captures", "transcript", "timeline", "elements", "schema", "fuzzing", "strategies", "_hypothesis"),
    *("cli", "__main__"),
}
#: Only these modules import xmlschema.
_XMLSCHEMA = {"schema._content", "schema._specs", "schema._errors", "schema._loading", "schema._validator"}


def _edges(names: Iterable[str]) -> set[str]:
    """Return the modules that are edges or belong to one."""
    return {name for name in names if name.partition(".")[0] in _EDGES}


_CORE = {name: path for name, path in _SOURCES.items() if not _edges([name])}

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XMLA = "urn:schemas-microsoft-com:xml-analysis"


def _message(header: str = "", body: str = "", *, behind: str = "", attributes: str = "") -> bytes:
    text = (
        f'<s:Envelope xmlns:s="{_SOAP}"{attributes}><s:Header>{header}</s:Header><s:Body>{body}</s:Body>'
        f"{behind}</s:Envelope>"
    )
    return text.encode()


def _fault(content: str) -> bytes:
    return _message("", f"<s:Fault>{content}</s:Fault>")


def _bare(*codes: str, **values: object) -> Any:
    """Run code in a bare interpreter, and return the JSON that it prints."""
    # -S excludes the imports of the environment at start, such as coverage.
    prologue = f"import sys\nsys.path.insert(0, {str(_PACKAGE.parent)!r})\n"
    prologue += "".join(f"{name} = {value!r}\n" for name, value in values.items())
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", prologue + "".join(map(textwrap.dedent, codes))],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


# -- P2: no file, socket, import or codec look-up ----------------------------------------------------

_SESSION = f'<Session xmlns="{_XMLA}" SessionId="a" s:mustUnderstand="1"/>'
_MESSAGES = [
    _message(_SESSION, "<a/>"),
    _message(f"{_SESSION}<!-- -->", "<a/>"),
    _message('<Version xmlns="urn:v"><a/></Version>text<Session/>', "<a b=''/>", behind="<late/>"),
    _message(
        f"{_SESSION}{_SESSION}", "<a xmlns:b='http://127.0.0.1/' b:schemaLocation='x http://127.0.0.1/'/>"
    ),
    _message(_SESSION, "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>"),
    _message(_SESSION.replace("Session xmlns", "é:Session xmlns:é"), "<é:b:c/>"),
    _message('<é.b:é.c xmlns:é.b="urn:a"/>', "&unknown;"),
    _message().replace(_SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"),
    b"\xef\xbb\xbf" + _message(_SESSION),
    _message("é", "漢🔑").decode().encode("utf-16"),
    *(
        f'<?xml version="1.0" encoding="{label}"?>'.encode() + _message(_SESSION, "a")
        for label in (
            *("UTF-8", "us-ascii", "ISO-8859-1", "latin1", "UTF-16", "windows-1252", "hex", "idna", "nope"),
            *("shift_jis", "utf-7", "utf_8_sig", "cp037", "../../x", "unicode_escape", "mbcs", "punycode"),
        )
    ),
    b'<?xml version="1.0" encoding="iso-8859-1"?>' + _message(body="é").decode().encode("iso-8859-1"),
    b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">' + _message(),
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    b"<?xml-stylesheet href='http://127.0.0.1/'?>" + _message(),
    *(
        b"",
        b" ",
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
        b"\xff\xfe\x00\x00",
        b"HTTP/1.1 200",
        b"\x80",
        b"<",
        b"</a>",
    ),
    _message(_SESSION)[:-5],
    _message("<a>" * 300),
    _message(_SESSION, "\x00"),
    _message(_SESSION, "\ufffe"),
    _message(_SESSION).replace(b"SessionId", b"sessionid"),
]

_WATCH = """
    import codecs, encodings, json

    # Register it before the search function that finds all codecs, so that it sees each look-up.
    codecs.unregister(encodings.search_function)
    looked_up = []
    def search(name):
        looked_up.append(name)
        return encodings.search_function(name)
    codecs.register(search)

    import xmla_headers as x

    def read(data):
        types = x.SESSION_BLOCKS
        for more in ({}, {"strict": True}, {"direction": x.Direction.RESPONSE}, {"encoding": "latin1"},
                     {"encoding": "nope"}, {"limits": x.Limits(max_depth=3)}, {"types": {}}):
            for function, arguments in (
                (x.decode, {}), (x.decode, {"deep": True}), (x.decode, {"cache": cache}),
                (x.decode_header, {}), (x.validate, {}), (findings, {}),
            ):
                try:
                    function(data, **more, **arguments)
                except x.XmlaHeadersError as error:
                    str(error), error.finding.to_dict()
        write(data)

    def write(data):
        try:
            envelope = x.decode(data)
            x.encode(envelope, xml_declaration=True)
            [x.encode_block(block) for block in envelope.header]
            block = x.Session("漢", must_understand=True, other_attributes=(("{urn:é}é", "é"),))
            x.with_blocks(data, block, x.UnknownHeaderBlock("<a b='漢'>🔑</a>".encode()))
            x.without_blocks(data, x.Session, x.UnknownHeaderBlock)
            x.Fragment(envelope.body.xml, envelope.body.namespaces).standalone()
        except x.XmlaHeadersError as error:
            str(error)

    def findings(data, **more):
        return [str(finding) for finding in x.iter_findings(data, **more)]

    cache = x.HeadCache()
    events = []
    watching = False
    def hook(event, arguments):
        # `id` has no side effect.
        if watching and event != "builtins.id":
            events.append(event)
    sys.addaudithook(hook)
    modules = set(sys.modules)
"""


def test_calls_cause_no_audit_event_or_import() -> None:
    said = _bare(
        _WATCH,
        """
        # The first call compiles regular expressions.
        for data in messages:
            read(data)
        modules = set(sys.modules)
        del looked_up[:]
        watching = True
        for data in messages:
            read(data)
        watching = False
        print(json.dumps([sorted(set(events)), looked_up, sorted(set(sys.modules) - modules)]))
        """,
        messages=_MESSAGES,
    )
    assert said == [[], [], []]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(0, len(_MESSAGES), 4))
def test_first_call_opens_and_imports_nothing(index: int) -> None:
    said = _bare(
        _WATCH,
        """
        watching = True
        read(data)
        watching = False
        print(json.dumps([sorted(set(events)), looked_up, sorted(set(sys.modules) - modules)]))
        """,
        data=_MESSAGES[index],
    )
    events, looked_up, imported = said
    # The first call compiles the regular expression of the common head: pure computation in the re module.
    assert set(events) <= {"compile"}
    assert looked_up == []
    assert imported == []


def test_watch_records_imports_files_and_codecs() -> None:
    said = _bare(
        _WATCH,
        """
        watching = True
        import xml.sax
        open(sys.executable, "rb").close()
        b"a".decode("cp037")
        watching = False
        print(json.dumps([sorted(set(events)), looked_up]))
        """,
    )
    events, looked_up = said
    assert {"import", "open"} <= set(events)
    assert looked_up == ["cp037"]


def test_import_loads_neither_edges_nor_large_modules() -> None:
    said = _bare(
        """
        import json
        before = set(sys.modules)
        import xmla_headers
        print(json.dumps(sorted(set(sys.modules) - before)))
        """
    )
    unwanted = {
        *("socket", "ssl", "urllib.request", "http.client", "subprocess", "asyncio", "logging"),
        *("xmlschema", "defusedxml", "lxml", "hypothesis", "rich", "random", "pathlib", "tempfile"),
        *(f"xmla_headers.{name}" for name in _EDGES),
    }
    assert unwanted.isdisjoint(said)


# -- P3: linear in the input, counted and not timed --------------------------------------------------


def _calls(function: Callable[[], object]) -> int:
    """Return the work of a call: the number of lines run, with repetitions, and of C functions called."""
    count = 0

    def trace(_frame: object, _event: str, _argument: object) -> Callable[..., Any]:
        nonlocal count
        count += 1
        return trace

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "c_call"

    before = sys.getprofile(), sys.gettrace()
    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before[1])
        sys.setprofile(before[0])
    return count


def _peak(function: Callable[[], object]) -> int:
    """Return the peak memory of a call in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


_UNLIMITED = Limits(*[None] * 7)


def _prefixes(count: int) -> str:
    return "".join(f' xmlns:p{index}="urn:{index}"' for index in range(count))


def _attributes(count: int) -> str:
    return "".join(f' s:a{index}=""' for index in range(count))


#: Input that could make the cost quadratic: name -> a function from size to message.
_GROWING: dict[str, Callable[[int], bytes]] = {
    # As many blocks as the limit allows, because each block gets the declarations in scope.
    "prefixes in scope and header blocks": lambda n: _message("<p0:a/>" * 64, attributes=_prefixes(n)),
    "prefixes in scope and elements in a block": lambda n: _message(
        f'<b xmlns="urn:b">{"<p0:a/>" * n}</b>', attributes=_prefixes(n)
    ),
    "prefixes in scope and elements of the Body": lambda n: _message(
        "", "<p0:a/>" * n, attributes=_prefixes(n)
    ),
    "prefixes declared repeatedly": lambda n: _message("", '<a xmlns:p="urn:a"><p:b/></a>' * n),
    "prefixes of nested elements": lambda n: _message(
        "", "".join(f'<a xmlns:p{i}="urn:a">' for i in range(n)) + "</a>" * n
    ),
    "attributes": lambda n: _message(f'<a xmlns="urn:a"{_attributes(n)}/>'),
    "long namespace and elements": lambda n: _message("", f'<a xmlns:p="urn:{"x" * n}">{"<p:a/>" * n}</a>'),
    "elements after the Body": lambda n: _message(behind="<a/>" * n),
    "Bodies after the Body": lambda n: _message(behind="<s:Body></s:Body>" * n),
    "Headers before the Body": lambda n: _message("</s:Header><s:Header>" * n),
    "text in pieces": lambda n: _message("&#32;&#65;" * n),
    "white space in pieces": lambda n: _message("\n" * n),
    "text between elements": lambda n: _message('x<a xmlns="urn:a"/>' * n),
    "white space between elements": lambda n: _message(f'{" " * 40}<a xmlns="urn:a"/>' * n),
    "text after white space": lambda n: _message(f"{' ' * 5000}x<!-- -->" * (n // 20)),
    "comments before text": lambda n: _message("<!-- -->" * n + "x"),
    "the Body's name in a comment": lambda n: b"<!--" + b"<s:Body>" * n + b"-->" + _message(),
    "the Body's name in comments": lambda n: _message("<!--<s:Body>-->" * n),
    "the Body's end tag in comments": lambda n: _message("", "<!--</s:Body>-->" * n),
    "the Body's end tag in CDATA": lambda n: _message("", "<![CDATA[</s:Body></s:Envelope>]]>" * n),
    "Bodies in the Body": lambda n: _message("", "<s:Body>" * n + "</s:Body>" * n),
    "nested elements of a block": lambda n: _message('<a xmlns="urn:a">' + "<a>" * n + "</a>" * n + "</a>"),
    "session headers": lambda n: _message(_SESSION * n),
    "session headers without an id": lambda n: _message(f'<x:Session xmlns:x="{_XMLA}"/>\n' * n),
    "children of a session header": lambda n: _message(f'<Session xmlns="{_XMLA}">{"<a/>x" * n}</Session>'),
    "lookalikes": lambda n: _message("<session/>" * n),
    "lines": lambda n: _message("<session/>\r\n" * n, "\r\n" * n),
    "characters": lambda n: _message("<session/>é漢🔑" * n),
    "UTF-16": lambda n: _message("<session/>é漢🔑\n" * n).decode().encode("utf-16"),
    "references in a value": lambda n: _message(_SESSION.replace('"a"', f'"{"&#65;" * n}"')),
    "one long value": lambda n: _message(_SESSION.replace('"a"', f'"{"a" * 40 * n}"')),
    "colons in names": lambda n: _message(f"<a{':b' * n}/>"),
    "white space before the message": lambda n: b" " * n + _message(),
    "white space after the message": lambda n: _message() + b" " * n,
    "unclosed elements": lambda n: _message("", "<a>" * n)[:-30],
    "Faults": lambda n: _message("", "<s:Fault><a/></s:Fault>" * n),
    "parts of a Fault": lambda n: _fault("<faultcode>a</faultcode><detail/>" * n),
    "text of a Fault in pieces": lambda n: _fault(f"<faultcode>{'a&#65;<b/>' * n}</faultcode>"),
    "entries": lambda n: _fault(f"<detail>{'<Error>x</Error>' * n}</detail>"),
    "entries and text between them": lambda n: _fault("<detail>" + f"<Error/>{'x' * 400}]" * n + "</detail>"),
    "entries and prefixes in scope": lambda n: _fault(
        f"<detail{_prefixes(n)}>{'<Error><p0:a/></Error>' * n}</detail>"
    ),
    "Mondrian's entries": lambda n: _fault(
        f'<detail xmlns:m="http://mondrian.sourceforge.net">'
        f"{'<m:error><code>1</code><desc>2</desc><a/></m:error>' * n}</detail>"
    ),
    "nested elements of a detail": lambda n: _fault(f"<detail>{'<a>' * n}{'</a>' * n}</detail>"),
    "nested elements of an entry": lambda n: _fault(
        f"<detail><Error>{'<a>' * n}{'</a>' * n}</Error></detail>"
    ),
    "unbound prefixes": lambda n: _fault("<detail>" + "<u:a u:b='' u:c=''/>" * n + "</detail>"),
    "elements after a Fault": lambda n: _message("", f"<s:Fault/>{'<a/>' * n}"),
    "comments before a Fault": lambda n: _message("", f"{'<!-- -->' * n}<s:Fault/>"),
    "slashes and quotes": lambda n: _message("", f"<a b='{'/>' * n}'/>"),
}


def _reads(data: bytes) -> dict[str, Callable[[], object]]:
    def quietly(function: Callable[..., object], **arguments: object) -> Callable[[], object]:
        def call() -> object:
            try:
                return function(data, limits=_UNLIMITED, **arguments)
            except XmlaHeadersError as error:
                return error

        return call

    return {
        "decode": quietly(xmla_headers.decode, cache=None),
        "deep": quietly(xmla_headers.decode, deep=True, cache=None),
        "header": quietly(xmla_headers.decode_header, cache=None),
        "findings": quietly(
            lambda data, **arguments: list(xmla_headers.iter_findings(data, cache=None, **arguments))
        ),
        "fault": quietly(lambda data, **arguments: xmla_headers.decode(data, cache=None, **arguments).fault),
    }


def _cost(measure: Callable[[Callable[[], object]], int], name: str, size: int) -> dict[str, int]:
    data = _GROWING[name](size)
    return {call: measure(function) for call, function in _reads(data).items()}


#: Large enough for a quadratic cost to exceed the constant cost of any message.
_SIZE = 400


@pytest.mark.slow
@pytest.mark.parametrize("name", _GROWING)
def test_number_of_steps_is_linear_in_the_input(name: str) -> None:
    # The first call compiles regular expressions.
    _cost(_calls, name, 1)
    small, middle, large = (_cost(_calls, name, size) for size in (_SIZE, 2 * _SIZE, 4 * _SIZE))
    for call in small:
        first, second = middle[call] - small[call], large[call] - middle[call]
        # From 2n to 4n, a linear cost grows twice as much as from n to 2n; a quadratic cost four times.
        assert second <= 2.5 * max(first, 0) + 200, (call, small[call], middle[call], large[call])


@pytest.mark.slow
@pytest.mark.parametrize("name", _GROWING)
def test_parser_is_fed_each_byte_a_few_times(name: str) -> None:
    # With each piece, expat reads an unfinished token again from its beginning.
    fed = 0

    def profile(_frame: object, event: str, argument: object) -> None:
        nonlocal fed
        fed += event == "c_call" and getattr(argument, "__name__", "") == "Parse"

    for call, function in _reads(_GROWING[name](2000)).items():
        fed = 0
        sys.setprofile(profile)
        try:
            function()
        finally:
            sys.setprofile(None)
        # The attempts, the rest of the head and the Body are fed, and all again after the fast path. A search
        # for a Fault feeds a wrapper, the first piece and the rest.
        assert fed <= (11 if call == "fault" else 8), call


class _CountedDict(dict[str, str]):
    """Counts the items that are read when a caller iterates over all of them."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        for key in super().__iter__():
            self.read += 1
            yield key

    def keys(self) -> Any:
        return list(iter(self))

    def values(self) -> Any:
        return [self[key] for key in self]

    def items(self) -> Any:
        return [(key, self[key]) for key in self]

    def copy(self) -> Any:
        return dict(self.items())


def test_prefixes_in_scope_are_not_copied_per_element(monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = []

    class Counted(_namespaces.Namespaces):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.bindings = _CountedDict(self.bindings)
            scopes.append(self.bindings)

    monkeypatch.setattr("xmla_headers._xml.reader.Namespaces", Counted)
    content = "<p0:a/><a xmlns:p='urn:a'><p:b/></a>" * 500
    data = _message(
        f'<b xmlns="urn:b">{content}</b>{content}', content, behind=content, attributes=_prefixes(1000)
    )
    for call, function in _reads(data).items():
        scopes.clear()
        function()
        # The scope is read once for the Header and once for the Body.
        assert scopes[0].read <= 4 * 1000, call


@pytest.mark.slow
@pytest.mark.parametrize("name", _GROWING)
def test_memory_is_linear_in_the_input(name: str) -> None:
    _cost(_peak, name, 1)
    small, large = _cost(_peak, name, _SIZE), _cost(_peak, name, 4 * _SIZE)
    for call in small:
        # A quadratic cost would grow 16 times; buffers that double when they are full at most 8 times.
        assert large[call] <= 8 * small[call] + 100_000, (call, small[call], large[call])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "middle", "end"),
    [("", "<a>text</a>", ""), ("", "x", ""), ("<a>", "\n", "</a>"), ("", "&#65;", ""), ("", "<!-- -->", "")],
    ids=["elements", "text", "lines", "references", "comments"],
)
def test_body_takes_no_memory(start: str, middle: str, end: str) -> None:
    def peak(size: int) -> tuple[int, int]:
        data = _message(_SESSION, start + middle * (size // len(middle)) + end)
        return _peak(lambda: xmla_headers.decode(data)), _peak(lambda: xmla_headers.decode_header(data))

    # The parser's own buffer is as large as the pieces that pyexpat feeds to it.
    for small, large in zip(peak(4_000_000), peak(16_000_000), strict=True):
        assert large <= small + 100_000


@pytest.mark.slow
def test_decode_header_steps_are_independent_of_message_size() -> None:
    few, many = _message(_SESSION, "<a/>" * 10_000), _message(_SESSION, "<a/>" * 1_000_000)
    for held_in in (bytes, bytearray, memoryview):
        small, large = (partial(xmla_headers.decode_header, held_in(data)) for data in (few, many))
        small()
        assert _calls(large) == _calls(small)
        assert _peak(large) <= _peak(small) + 300_000


def test_decode_makes_no_calls_for_the_body() -> None:
    few, many = _message(_SESSION, "<a/>" * 10), _message(_SESSION, "<a/>x" * 10_000)
    decode = partial(xmla_headers.decode, cache=None)
    decode(few)
    assert _calls(lambda: decode(many)) == _calls(lambda: decode(few))


# -- the shape of the package ------------------------------------------------------------------------


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes that run, without those under `if TYPE_CHECKING`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not _is_typing_block(child):
            yield from _running(child)


def _imports(node: ast.AST, module: str) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the modules that a statement imports; those of the package without its name."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name.removeprefix("xmla_headers."), node
    elif isinstance(node, ast.ImportFrom):
        name = node.module or ""
        if node.level:
            name = ".".join([*module.split(".")[: -node.level], *filter(None, [name])])
        elif name.partition(".")[0] == "xmla_headers":
            name = name.partition(".")[2]
        else:
            yield name, node
            return
        for alias in node.names:
            inner = f"{name}.{alias.name}".lstrip(".")
            yield inner if inner in _SOURCES else name, node


_UNWANTED_MODULES = {
    *(
        "os",
        "os.path",
        "pathlib",
        "random",
        "secrets",
        "uuid",
        "time",
        "datetime",
        "logging",
        "socket",
        "ssl",
        "tempfile",
    ),
    *(
        "subprocess",
        "threading",
        "asyncio",
        "shutil",
        "glob",
        "urllib.request",
        "http.client",
        "select",
        "signal",
    ),
}
#: Edges without side effects.
_PURE = [name for name in _SOURCES if name.partition(".")[0] in ("captures", "transcript", "timeline")]
_UNWANTED_CALLS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}


@each("name", [*_CORE, *_PURE])
def test_core_imports_no_module_with_side_effects(name: str) -> None:
    # Captures contain times, so datetime is allowed; the clock is not.
    unwanted = _UNWANTED_MODULES - {"datetime"} if name in _PURE else _UNWANTED_MODULES
    for node in _running(_tree(_SOURCES[name])):
        assert not {imported for imported, _ in _imports(node, name)} & unwanted
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "today", "utcnow"}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in _UNWANTED_CALLS
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in {
                ("io", "open"),
                ("codecs", "open"),
                ("codecs", "lookup"),
            }


@each("name", _SOURCES)
def test_parser_is_imported_by_two_modules(name: str) -> None:
    imported = {imported for node in _running(_tree(_SOURCES[name])) for imported, _ in _imports(node, name)}
    parsers = {
        "pyexpat",
        "xml.parsers.expat",
        "xml.parsers",
        "xml.sax",
        "xml.dom",
        "xml.etree.ElementTree",
        "lxml.etree",
    }
    # `fragment` uses only the type of an element in a signature; defusedxml parses.
    allowed = {"_xml.parser": {"pyexpat"}, "_xml.names": {"pyexpat"}, "fragment": {"xml.etree.ElementTree"}}
    assert imported & parsers == allowed.get(name, set())


@each("name", _SOURCES)
def test_xmlschema_is_imported_by_few_modules(name: str) -> None:
    nodes = list(_running(_tree(_SOURCES[name])))
    imported = {imported.partition(".")[0] for node in nodes for imported, _ in _imports(node, name)}
    assert ("xmlschema" in imported) == (name in _XMLSCHEMA)
    called = {
        node.func.attr
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "xmlschema"
    }
    # The functions of xmlschema follow the schema locations in a message.
    assert called <= {"XMLSchema10"}
    assert bool(called) == (name == "schema._loading")


def _at_import(name: str) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the imports of a module that run when it is imported."""
    pending: list[ast.AST] = [_tree(_SOURCES[name])]
    while pending:
        node = pending.pop()
        yield from _imports(node, name)
        pending += [
            child
            for child in ast.iter_child_nodes(node)
            if not _is_typing_block(child) and not isinstance(child, ast.FunctionDef | ast.Lambda)
        ]


def test_import_in_a_function_has_a_reason() -> None:
    for name, path in _SOURCES.items():
        lines = path.read_text(encoding="utf-8").splitlines()
        early = {statement.lineno for _, statement in _at_import(name)}
        for node in _running(_tree(path)):
            for imported, statement in _imports(node, name):
                if statement.lineno in early:
                    continue
                line, above = lines[statement.lineno - 1], lines[statement.lineno - 2]
                reason = re.search(r"PLC0415 - \S", line) or above.strip().startswith("#")
                assert reason, f"{name} imports {imported} in line {statement.lineno}"


def _natural(name: str) -> tuple[int, list[tuple[bool, int, str]]]:
    """Return the sort key of `__all__`: constants, classes, the rest, each with numbers as numbers."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return kind, [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def test_all_is_sorted_and_complete() -> None:
    tree = _tree(_SOURCES["__init__"])
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert xmla_headers.__all__ == sorted(xmla_headers.__all__, key=_natural)
    assert len(set(xmla_headers.__all__)) == len(xmla_headers.__all__)
    lazy = set(vars(xmla_headers)["_NAMES"])
    assert set(xmla_headers.__all__) == lazy | {name for name in imported if not name.startswith("_")}
    for name in xmla_headers.__all__:
        assert getattr(xmla_headers, name) is not None


@each("name", [name for name in _SOURCES if name.rpartition(".")[2] not in {"__init__", "__main__"}])
def test_modules_declare_all(name: str) -> None:
    tree = _tree(_SOURCES[name])
    listed: list[str] | None = None
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if ast.unparse(target) == "__all__":
                listed = ast.literal_eval(node.value)
    # The modules of the fuzz tables register their rows and export no names.
    assert listed is not None
    assert listed == sorted(listed, key=_natural)
    # A public module may export names of private ones, and `typing` has all aliases.
    faced = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and node.level
        and ((node.module or "").startswith("_") or name == "typing")
        for alias in node.names
    }
    defined = {
        target
        for node in tree.body
        for target in (
            [node.name]
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            else [ast.unparse(item) for item in node.targets]
            if isinstance(node, ast.Assign)
            else [ast.unparse(node.target)]
            if isinstance(node, ast.AnnAssign)
            else []
        )
    }
    assert set(listed) <= defined | faced
