"""Reading any schema ends, and raises SchemaError alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import pytest

from xmla_headers import schema
from xmla_headers.schema import SchemaError, SchemaValidator

try:
    import resource
except ImportError:  # not on Windows
    _CAN_LIMIT = False
else:
    _CAN_LIMIT = True

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
OWN = [
    (ROOT / "schemas" / f"{name}.xsd").read_text("utf-8")
    for name in ("xmla-session-headers", "soap-envelope-1.1")
]
MANY = 10**14


def simple(declarations: str, namespace: str = "urn:x") -> str:
    return (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="{schema.APPINFO_NS}"'
        f' targetNamespace="{namespace}" xmlns:t="{namespace}">\n{declarations}</xs:schema>'
    )


def element(content: str = "", name: str = "Block") -> str:
    return f'<xs:element name="{name}"><xs:complexType>{content}</xs:complexType></xs:element>'


def typed(simple_type: str, attribute: str = "") -> str:
    """Return a schema with an attribute of the type `s`, which `simple_type` declares."""
    return simple(element(f'<xs:attribute name="a" type="t:s"{attribute}/>') + simple_type)


def derived(facets: str, base: str = "xs:string", name: str = "s") -> str:
    restriction = f'<xs:restriction base="{base}">{facets}</xs:restriction>'
    return f'<xs:simpleType name="{name}">{restriction}</xs:simpleType>'


def union(name: str, *members: str) -> str:
    return f'<xs:simpleType name="{name}"><xs:union memberTypes="{" ".join(members)}"/></xs:simpleType>'


def group(name: str, *references: str) -> str:
    particles = "".join(f'<xs:group ref="t:{reference}"/>' for reference in references)
    return f'<xs:group name="{name}"><xs:sequence>{particles}</xs:sequence></xs:group>'


def patterns(*values: str, attribute: str = "") -> str:
    return typed(derived("".join(f"<xs:pattern value={quoteattr(value)}/>" for value in values)), attribute)


def identity(path: str) -> str:
    constraint = f'<xs:key name="k"><xs:selector xpath="{path}"/><xs:field xpath="."/></xs:key>'
    return simple(f'<xs:element name="Block"><xs:complexType/>{constraint}</xs:element>')


def occurring(maximum: str) -> str:
    particle = f'<xs:element ref="t:Block" minOccurs="0" maxOccurs="{maximum}"/>'
    return simple(f'{element()}<xs:group name="g"><xs:sequence>{particle}</xs:sequence></xs:group>')


def chained(count: int, link: Callable[[int], str], last: str) -> str:
    return "".join(map(link, range(count))) + last


# Name of a case -> schema, and the message of the error; None if the schema may also be accepted.
CASES: dict[str, tuple[str, str | None]] = {
    "repetition": (patterns(f"a{{{MANY}}}"), "a number of repetitions in a pattern is too large .line 2"),
    "repetition, at most": (patterns(f"a{{1,{MANY}}}"), "a number of repetitions in a pattern is too large"),
    "repetition, at least": (patterns(f"a{{{MANY},}}"), "a number of repetitions in a pattern is too large"),
    "repetition of many digits": (patterns(f"a{{{'9' * 5_000}}}"), "a number of repetitions in a pattern"),
    "repetitions in repetitions": (patterns(f"{'(' * 9}a{'{1,9999})' * 9}"), None),
    "groups in groups": (patterns(f"{'(' * 3_000}a{')' * 3_000}"), "nests too deep"),
    "classes": (patterns(r"\p{L}" * 2_000), "more than 256 escapes"),
    "classes in a class": (patterns(f"[{chr(92)}p{{L}}" * 300), "more than 256 escapes"),
    "name classes": (patterns(*[r"\i\c*"] * 200), "more than 256 escapes"),
    "differences of classes": (patterns("[a-z-" * 400 + "[a]" + "]" * 400), None),
    "long patterns": (patterns("a|" * 40_000), "more than 65536 characters"),
    "many patterns": (patterns(*["a"] * 1_000), None),
    "exponential pattern": (patterns("(a+)+", attribute=f' default="{"a" * 60}!"'), None),
    "no class": (patterns("["), "cannot be read: .*the pattern \\["),
    "no category": (patterns(r"\p{Xx}"), "cannot be read"),
    "no range": (patterns("[z-a]"), "cannot be read"),
    "no order": (patterns("a{2,1}"), "cannot be read"),
    "no back reference": (patterns(r"(a)\1"), "cannot be read"),
    "what may be a set": (patterns("[a&&b||c~~d]"), None),
    "exponential path": (identity("/".join(["a:a"] * 60) + "!"), "an xpath in it"),
    "path with colons": (identity("/".join(["a:a:a"] * 60)), "an xpath in it"),
    "long path": (identity("/".join(["t:a"] * 3_000)), "nests too deep"),
    "elements in elements": (
        simple(element(f"{'<xs:sequence>' * 200}{'</xs:sequence>' * 200}")),
        "deeper than 100 levels .line 2",
    ),
    "annotation in annotation": (
        simple(f"<xs:annotation><xs:appinfo>{'<a>' * 99_999}{'</a>' * 99_999}</xs:appinfo></xs:annotation>"),
        "deeper than 100 levels",
    ),
    "types of types": (
        typed(derived("", "t:s0") + chained(900, lambda i: derived("", f"t:s{i + 1}", f"s{i}"), "")),
        "nests too deep, or a chain",
    ),
    "groups of groups": (
        simple(element() + chained(400, lambda i: group(f"g{i}", f"g{i + 1}"), group("g400"))),
        "nests too deep, or a chain",
    ),
    "a type of itself": (typed(derived("", "t:s")), "[Cc]ircular"),
    "types of each other": (typed(derived("", "t:r") + derived("", "t:s", "r")), "[Cc]ircular"),
    "a union of itself": (typed(union("s", "t:s")), "[Cc]ircular"),
    "a list of itself": (
        typed('<xs:simpleType name="s"><xs:list itemType="t:s"/></xs:simpleType>'),
        "[Cc]ircular",
    ),
    "a union of unions": (
        typed(
            union("s", "t:u0", "t:u0")
            + chained(40, lambda i: union(f"u{i}", *[f"t:u{i + 1}"] * 2), derived("", name="u40"))
        ),
        "the simpleType s, references followed, has more than 1000 particles",
    ),
    "wide unions of a wide union": (
        typed(union("s", *["t:r"] * 200_000) + union("r", *["t:q"] * 200_000) + derived("", name="q")),
        "more than 1000 particles",
    ),
    "a group of itself": (simple(element() + group("g", "g")), "[Cc]ircular"),
    "groups that double": (
        simple(element() + chained(30, lambda i: group(f"g{i}", *[f"g{i + 1}"] * 2), group("g30"))),
        "the group g0, references followed, has more than 1000 particles",
    ),
    "an attribute group of itself": (
        simple(
            element('<xs:attributeGroup ref="t:g"/>')
            + '<xs:attributeGroup name="g"><xs:attributeGroup ref="t:g"/></xs:attributeGroup>'
        ),
        "[Cc]ircular",
    ),
    "a choice of many": (
        simple(element(f"<xs:choice>{'<xs:any/>' * 1_001}</xs:choice>")),
        "a complexType, references followed, has more than 1000 particles",
    ),
    "many values": (
        typed(derived(chained(5_000, lambda i: f'<xs:enumeration value="v{i}"/>', ""))),
        None,
    ),
    "notations": (
        typed('<xs:notation name="n" public="p"/>' + derived('<xs:enumeration value="t:n"/>', "xs:NOTATION")),
        None,
    ),
    "a prefix that nothing binds": (typed(derived('<xs:enumeration value="z:n"/>', "xs:QName")), None),
    "a late date": (
        typed(derived(f'<xs:maxInclusive value="{MANY}-01-01"/>', "xs:date")),
        "a number in it is too large",
    ),
    "a long duration": (
        typed(derived(f'<xs:maxInclusive value="P{"9" * 3_000}Y"/>', "xs:duration")),
        "a number in it is too large",
    ),
    "a length of many digits": (typed(derived(f'<xs:length value="{"9" * 5_000}"/>')), "cannot be read"),
    "maxOccurs": (occurring(str(MANY)), None),
    "maxOccurs of many digits": (occurring("9" * 4_200), None),
    "maxOccurs of more digits": (occurring("9" * 5_000), "cannot be read"),
    "maxOccurs below 0": (occurring("-1"), "cannot be read"),
    "maxOccurs in words": (occurring("many"), "cannot be read"),
    "a keyword": (simple(element(name="class")), "name of a header block must be usable for a Python class"),
    "a constant": (simple(element(name="None")), "name of a header block must be usable for a Python class"),
    "a soft keyword": (simple(element(name="match")), None),
    "fields of odd names": (
        simple(element("".join(f'<xs:attribute name="{name}"/>' for name in ("self", "class", "mro")))),
        None,
    ),
    "an invalid name": (simple(element('<xs:attribute name="-"/>')), "cannot be read"),
    "two of one name": (simple(element() + element()), "cannot be read"),
    "include": (simple('<xs:include schemaLocation="b.xsd"/>'), "includes 'b.xsd', which was not given"),
    "redefine": (simple('<xs:redefine schemaLocation="b.xsd"/>'), "xs:redefine is not supported"),
    "override": (simple('<xs:override schemaLocation="b.xsd"/>'), "xs:override is not supported"),
    "import of a missing type": (
        simple('<xs:import namespace="urn:y"/><xs:element name="B" type="y:B" xmlns:y="urn:y"/>'),
        "cannot be read",
    ),
    "entities": (f"<!DOCTYPE a [<!ENTITY b 'c'>]>{simple(element())}", "must not contain a DOCTYPE .line 1"),
    "entities of entities": (
        "<!DOCTYPE a [" + chained(30, lambda i: f'<!ENTITY e{i} "&e{i + 1};&e{i + 1};">', "]><a>&e0;</a>"),
        "must not contain a DOCTYPE",
    ),
    "an external entity": ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "must not contain a DOCTYPE"),
    "a declared encoding": (f'<?xml version="1.0" encoding="utf-16"?>{simple(element())}', None),
    "half a surrogate pair": (simple(element(), "urn:\ud800"), "half of a surrogate pair"),
    "U+0000": (simple(element("\0")), "it contains U.0000"),
    "U+0000 everywhere": ("\0".join(simple(element())), "it contains U.0000"),
    "U+0001": (simple(element("\1")), "not well-formed .* .line 2"),
    "U+FFFF": (simple(element("\uffff")), "cannot be read"),
    "another document": ("<a/>", "cannot be read"),
    "another element": ('<xs:element xmlns:xs="http://www.w3.org/2001/XMLSchema" name="B"/>', None),
    "nothing": ("", "this is not an XML schema"),
    "a path": ("/etc/hosts", "this is not an XML schema"),
    "too much": (simple(element()) + " " * 4_194_304, "more than 4194304 characters"),
}  # fmt: skip


def validator(text: str) -> SchemaValidator:
    return SchemaValidator({"a.xsd": text})


READERS: list[Callable[[str], Any]] = [
    schema.generate,
    schema.specs_from_schema,
    schema.types_from_schema,
    validator,
]


def said(reader: Callable[[str], Any], text: str) -> str | None:
    """Return the message of the SchemaError for a schema, None if there is none."""
    try:
        result = reader(text)
    except SchemaError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1_000
        return str(error)
    if reader is schema.generate:
        compile(result, "generated", "exec")
    return None


def child() -> None:
    """Print the message of each reader for each case, within limits on time and memory."""
    if _CAN_LIMIT:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 90))
    for name, (text, _) in CASES.items():
        for reader in READERS:
            # The time that a pattern takes in a validator is not bounded.
            if (name, reader) != ("exponential pattern", validator):
                sys.stdout.write(json.dumps([name, said(reader, text)]) + "\n")
                sys.stdout.flush()


@pytest.mark.slow
def test_known_cases_end_in_schema_error_alone() -> None:
    command = [sys.executable, "-c", "from tests.test_schema_hostile import child; child()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=600, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (told[-1:], done.stderr.decode()[-1_000:])
    assert {name for name, _ in told} == set(CASES)
    for name, message in told:
        expected = CASES[name][1]
        # A validator does not check the rules of header blocks.
        if expected is not None and not (message is None and "Python class" in expected):
            assert message is not None, name
            assert re.search(expected, message), (name, message)


def test_exponential_pattern_is_matched_in_linear_time() -> None:
    # The default value does not match: Python's `re` would try all ways to split it.
    text, _ = CASES["exponential pattern"]
    with pytest.raises(SchemaError, match=r"^Block/@a: the default is not text that matches \(a\+\)\+$"):
        schema.specs_from_schema(text)


def test_pattern_in_an_annotation_is_not_read() -> None:
    example = '<xs:pattern xmlns:xs="http://www.w3.org/2001/XMLSchema" value="["/>'
    annotation = f"<xs:annotation><xs:appinfo>{example}</xs:appinfo></xs:annotation>"
    (spec,) = schema.specs_from_schema(simple(annotation + element()))
    assert spec.local_name == "Block"


def test_type_of_the_patterns_takes_a_free_name() -> None:
    names = "".join(derived("", name=f"patterns-{number}") for number in range(3))
    text = patterns("a+").replace("</xs:schema>", f"{names}</xs:schema>")
    assert len(schema.specs_from_schema(text)) == 1


def test_schema_error_is_chained_to_its_cause() -> None:
    with pytest.raises(SchemaError) as caught:
        schema.generate(CASES["groups in groups"][0])
    assert isinstance(caught.value.__cause__, RecursionError)


@pytest.mark.parametrize("reader", READERS[:3])
@pytest.mark.parametrize("wrong", [None, b"<a/>", bytearray(b"<a/>"), Path("a.xsd"), 1, ["<a/>"]])
def test_what_is_not_str_is_a_type_error(reader: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(TypeError, match="str"):
        reader(wrong)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_schemas_are_bounded_together(count: int) -> None:
    # A schema without a namespace counts once for each namespace that includes it.
    common = simple("", "").replace(' targetNamespace=""', "").replace(' xmlns:t=""', "") + " " * 1_500_000
    schemas = {
        f"{number}.xsd": simple('<xs:include schemaLocation="common.xsd"/>', f"urn:{number}")
        for number in range(count)
    }
    if count <= 2:
        SchemaValidator({"common.xsd": common, **schemas})
    else:
        with pytest.raises(SchemaError, match="characters together"):
            SchemaValidator({"common.xsd": common, **schemas})


def test_same_name_in_two_namespaces_is_no_circle() -> None:
    types = '<xs:complexType name="A"><xs:sequence/></xs:complexType>'
    extended = (
        '<xs:import namespace="urn:b"/><xs:complexType name="A"><xs:complexContent>'
        '<xs:extension base="b:A" xmlns:b="urn:b"/></xs:complexContent></xs:complexType>'
    )
    SchemaValidator({"a.xsd": simple(extended, "urn:a"), "b.xsd": simple(types, "urn:b")})


# -- mutations -----------------------------------------------------------------------------------------

SEEDS = [
    *OWN,
    patterns("[A-Z]+", "a{2,3}"),
    identity(".//t:a|t:b/@c"),
    occurring("3"),
    typed(
        '<xs:simpleType name="s"><xs:union memberTypes="xs:int t:r"/></xs:simpleType>' + derived("", name="r")
    ),
    simple(
        element('<xs:attributeGroup ref="t:g"/><xs:anyAttribute/>')
        + '<xs:attributeGroup name="g"><xs:attribute name="b" type="xs:date" use="required"/>'
        "</xs:attributeGroup>"
        '<xs:complexType name="c"><xs:simpleContent><xs:extension base="xs:int"/></xs:simpleContent>'
        '</xs:complexType><xs:element name="Other" type="t:c" substitutionGroup="t:Block" nillable="true"/>'
    ),
]
VALUES = [
    *("", " ", "t:Block", "t:s", "t:g", "t:c", "xs:string", "xs:anyType", "xs:NOTATION", "xs:ID", "z:z", ":"),
    *("0", "-1", str(MANY), "9" * 4_400, "unbounded", "NaN", "P1Y", "true", "#all"),
    *("prohibited", "qualified", "class", "self", "__init__", "é", "a" * 5_000, "a}b", "{", "urn:x"),
    *("##any", "##local", "\u202e", "[", "(*"),
    *(f"a{{{MANY}}}", r"\p{L}", r"\1", "[a-[b]]", ".//*", "@*", "a/b|c", "http://www.w3.org/2001/XMLSchema"),
]  # fmt: skip
TOKEN = re.compile(r"<[^>]*>|[^<]+")
VALUE = re.compile(r'="[^"]*"')
LOCAL = re.compile(r"(?<=xs:)[A-Za-z]+")


def mutated(text: str, random: Random) -> str:
    """Return a schema with random changes."""
    for _ in range(random.randint(1, 4)):
        tokens = TOKEN.findall(text) or [text]
        place = random.randrange(len(tokens))
        match random.randrange(8):
            case 0:
                tokens[place : place + random.randint(1, 3)] = []
            case 1:
                tokens[place:place] = tokens[random.randrange(len(tokens)) :][: random.randint(1, 6)]
            case 2 | 3:
                value = quoteattr(random.choice(VALUES))
                tokens[place] = VALUE.sub(lambda _: f"={value}", tokens[place], count=1)  # noqa: B023
            case 4:
                local = random.choice(LOCAL.findall(text) or [""])
                tokens[place] = LOCAL.sub(local, tokens[place], count=1)
            case 5:
                other = random.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 6:
                position = random.randrange(len(tokens[place]) + 1)
                piece = random.choice(
                    ["\0", "\ud800", "&", "<", ">", '"', "\x85", "]]>", "<?a?>", "<!--", "\ufffe"]
                )
                tokens[place] = tokens[place][:position] + piece + tokens[place][position:]
            case _:
                names = [name for name in re.findall(r' name="([^"]*)"', text) if name]
                value = quoteattr("t:" + random.choice(names)) if names else '""'
                tokens[place] = re.sub(r' (?:type|ref|base)="[^"]*"', "", tokens[place]).replace(
                    " ", f" {random.choice(['type', 'ref', 'base', 'substitutionGroup'])}={value} ", 1
                )
        text = "".join(tokens)
    return text


def check_mutations(seed: int, count: int) -> None:
    random = Random(seed)
    read = 0
    for number in range(count):
        text = mutated(random.choice(SEEDS), random)
        for reader in READERS:
            try:
                read += said(reader, text) is None
            except Exception as error:
                error.add_note(f"seed {seed}, mutation {number}: {text!r}")
                raise
    # Some of the mutated schemas are accepted, and some are refused.
    assert 0 < read < count * len(READERS)


def test_mutated_schemas_raise_schema_error_alone() -> None:
    check_mutations(0, 150)


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_mutated_schemas_raise_schema_error_alone(seed: int) -> None:
    check_mutations(seed, 1_500)
