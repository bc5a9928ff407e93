"""Hypothesis strategies for valid and invalid SOAP messages, as bytes."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["everyday", "messages", "mutated", "session_ids", "shared_heads"]

T = TypeVar("T")

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
XMLA = "urn:schemas-microsoft-com:xml-analysis"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
ENGINE = "http://schemas.microsoft.com/analysisservices/2003/engine"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
XML = "http://www.w3.org/XML/1998/namespace"
XMLNS = "http://www.w3.org/2000/xmlns/"

session_ids: SearchStrategy[str] = st.one_of(
    st.sampled_from(
        [
            "9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E",
            "9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E",
            "session-1",
            "",
            " ",
            " padded ",
            "tab\tand\nend\r\nof line",
            "a<b>&\"c'",
            "sesión",
            "漢字-🔑",
            "A\ufeffB",
            "\ufdd0",
            "\x7f\x85\u2028",
            "abc\u202edef",
            "{curly} %s ]]> --> &amp;",
            "x" * 300,
        ]
    ),
    st.text(
        st.characters(
            exclude_categories=["Cs"],
            exclude_characters=[
                *map(chr, (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)),
            ],
        ),
        max_size=12,
    ),
)

_PREFIXES = ["s", "soap", "SOAP-ENV", "x", "xa", "e", "_", "a.b-c", "Body", "é"]
_NAMESPACES = [SOAP_11, SOAP_12, XMLA, XSI, XSD, ENGINE, WSSE, "urn:a", "urn:b", "http://example.org/a?b=c&d"]
_ODD_NAMESPACES = ["", XML, XMLNS, "urn:é", "a}b", "{a}", " urn:a", "relative", f"{SOAP_11} ", XMLA.upper()]

_SPACES = ["", "", "", " ", "\n", "\r\n", "\r", "\t", "\n  "]
_GAPS = [*_SPACES, *_SPACES, "<!-- a comment -->", "\n<!--<s:Body>-->\n", "<!--</s:Body></s:Envelope>-->"]
_ODD_GAPS = [
    "text",
    "&#32;",
    "&#65;",
    "<![CDATA[ ]]>",
    "<![CDATA[x]]>",
    "<?pi data?>",
    "\x85",
    "\xa0",
    "&lt;",
]

_CONTENTS = [
    "",
    " ",
    "text",
    "<a/>",
    "<Discover xmlns='urn:a'><RequestType>X</RequestType></Discover>",
    f"<Execute xmlns='{XMLA}'><Command><Statement>a &lt; b</Statement></Command></Execute>",
    "<a>\r\n<b c='d'/>é漢\r</a>",
    "<![CDATA[ <x> ]]>",
    "<!-- -->",
    "text<a/>&#65;<b/>&amp;",
    "<a xmlns='urn:b' xmlns:q='urn:a'><q:c q:d='' d=''/></a>",
    "<a><a><a><a><a/></a></a></a></a>",
]
#: {body} is the name of the Body as the message writes it.
_TRICKY_CONTENTS = [
    "<![CDATA[</{body}>]]>",
    "<!-- </{body}></{envelope}> -->",
    "<![CDATA[</{body}></{envelope}>]]>",
    "<a b='/{body}>'/>",
    "<{body}></{body}>",
    "<{body}/>",
    "<a><{body}><{body} /></{body}></a>",
    "<{body}x></{body}x>",
    "<{body}-x></{body}-x>",
    "<{envelope}><{body}/></{envelope}>",
    "&lt;/{body}>",
]
_ODD_CONTENTS = [
    "</{body}><{body}>",
    "</{body}x>",
    "<?pi?>",
    "<!DOCTYPE a>",
    "<a",
    "<a b=c/>",
    "<a b='' b=''/>",
    "<undeclared:a/>",
    "<a undeclared:b=''/>",
    "<a:b:c/>",
    "<a xmlns:p='urn:a' xmlns:q='urn:a' p:b='' q:b=''/>",
    "<a xmlns:p=''/>",
    "<p:a xmlns:p='a}b'/>",
    "]]>",
    "&unknown;",
    "&#0;",
    "&#xD800;",
    "\x01",
    "\ufffe",
    "<!-- -- -->",
]


class _Writer:
    """Writes one message; with `odd` it may break a rule.

    It makes its choices by bytes that are drawn at once, because a draw for each choice is slow. When no
    bytes are left, it makes the first choice, so that messages shrink to plain ones.
    """

    def __init__(self, draw: DrawFn, ids: SearchStrategy[str], *, odd: bool) -> None:
        self.choices = iter(draw(st.binary(min_size=160, max_size=160)))
        self.ids = cycle(draw(st.lists(ids, min_size=3, max_size=3)))
        self.odd = odd
        self.taken: set[str] = set()

    def pick(self, usual: Sequence[T], odd: Sequence[T] = ()) -> T:
        if odd and self.odd and self.chance(14):
            usual = odd
        return usual[next(self.choices, 0) % len(usual)]

    def chance(self, one_in: int) -> bool:
        return next(self.choices, 0) % one_in == one_in - 1

    def shuffled(self, items: Sequence[T]) -> list[T]:
        rest = list(items)
        return [rest.pop(next(self.choices, 0) % len(rest)) for _ in items]

    def sid(self) -> str:
        return next(self.ids)

    def gap(self) -> str:
        return self.pick(_GAPS, _ODD_GAPS)

    def space(self) -> str:
        return self.pick([" ", " ", " ", "\n", "\r\n", "\t", "  "])

    def attribute(self, name: str, value: str) -> str:
        quote = self.pick(['"', '"', "'"])
        text = value.replace("&", "&amp;").replace("<", "&lt;").replace(quote, f"&#{ord(quote)};")
        # Without escapes, parsers return them as spaces (XML 1.0 §3.3.3).
        for character in "\t\n\r":
            text = text.replace(character, f"&#{ord(character)};")
        if text and self.chance(6):
            text = f"&#x{ord(value[0]):x};" + text.replace(text[: _first(text)], "", 1)
        equals = self.pick(["=", "=", "=", " = ", "\n="])
        return f"{self.space()}{name}{equals}{quote}{text}{quote}"

    def attributes(self, pairs: Sequence[tuple[str, str]]) -> str:
        if len(pairs) > 1 and self.chance(2):
            pairs = self.shuffled(pairs)
        if not self.odd:
            pairs = list(dict(pairs).items())
        return "".join(self.attribute(name, value) for name, value in pairs)

    def element(self, name: str, pairs: Sequence[tuple[str, str]], content: str = "") -> str:
        attributes = self.attributes(pairs)
        space = self.pick(["", "", " ", "\n"])
        if not content and self.chance(2):
            return f"<{name}{attributes}{space}/>"
        return f"<{name}{attributes}{space}>{content}</{name}{self.pick(['', '', '', ' '])}>"

    def must_understand(self, soap: str) -> list[tuple[str, str]]:
        qualified = f"{soap}:mustUnderstand" if soap else "mustUnderstand"
        kind = self.pick(
            ["none", "none", "qualified", "qualified", "unqualified", "both"], ["odd", "conflict"]
        )
        if kind == "none":
            return []
        value = self.pick(["1", "1", "0", " 1 "], ["", "true", "2", "01", "+1", "1 0", "yes"])
        if kind == "qualified":
            return [(qualified, value)]
        if kind == "unqualified":
            return [("mustUnderstand", value)]
        if kind == "both":
            return [(qualified, value.strip()), ("mustUnderstand", value.strip())]
        if kind == "conflict":
            return [(qualified, "1"), ("mustUnderstand", "0")]
        return [
            (qualified, "odd"),
            (self.pick(["mustunderstand", "MustUnderstand", "xml:mustUnderstand"]), "1"),
        ]

    def session_header(self, soap: str, scope: dict[str, str]) -> str:
        kind = self.pick(
            ["Session", "Session", "Session", "BeginSession", "EndSession"],
            ["session", "SESSION", "Sessions"],
        )
        if kind in self.taken and not self.odd:
            return self.unknown_block(soap)
        self.taken.add(kind)
        pairs: list[tuple[str, str]] = []
        declared = [prefix for prefix, namespace in scope.items() if namespace == XMLA]
        if declared and self.chance(2):
            prefix = self.pick(declared)
        else:
            # A prefix that is already bound is bound again.
            prefix = self.pick(["", "", "", *_PREFIXES])
            if prefix == soap:
                prefix = ""
            wrong = ["urn:a", "", f"{XMLA}/", XMLA.upper(), f"{XMLA}:rowset"]
            namespace = self.pick([XMLA], wrong)
            if namespace or not prefix or self.odd:
                pairs.append((f"xmlns:{prefix}" if prefix else "xmlns", namespace))
        if kind in {"Session", "EndSession"} or self.chance(10):
            name = self.pick(
                ["SessionId"], ["SessionID", "sessionid", "Session_Id", f"{prefix or 'xml'}:SessionId"]
            )
            if not self.odd or not self.chance(8):
                pairs.append((name, self.sid()))
            if self.odd and self.chance(8):
                pairs.append((self.pick(["SessionID", "SessionId"]), self.sid()))
        pairs += self.must_understand(soap)
        if self.chance(8):
            pairs.append(
                self.pick([("xml:lang", "en"), ("id", "a"), ("xmlns:unused", "urn:a"), ("xmlns:b", "é")])
            )
        if soap and self.chance(8):
            pairs.append(
                (f"{soap}:actor", self.pick(["", "urn:me", "http://schemas.xmlsoap.org/soap/actor/next"]))
            )
        if self.chance(8):
            pairs += [("xmlns:wsu", "urn:wsu"), ("wsu:Id", self.pick(["", "a", "<&"]))]
        if self.chance(10):
            pairs += [("xmlns:xsi", XSI), ("xsi:type", "a")]
        name = f"{prefix}:{kind}" if prefix else kind
        child = f"<SessionId>{self.sid()}</SessionId>".replace("&", "").replace("]]>", "")
        content = self.pick(
            ["", "", "", "", " ", "\r\n", "<!-- c -->"], ["text", "<a/>", child, "&#65;", "<![CDATA[]]>"]
        )
        return self.element(name, pairs, content)

    def unknown_block(self, soap: str) -> str:
        kind = self.pick(range(8), range(7, 12))
        mark = self.must_understand(soap)
        sid = self.sid().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if kind == 0:
            return self.element("Version", [("xmlns", f"{ENGINE}/2"), ("Sequence", "400"), *mark])
        if kind == 1:
            return self.element("NamespaceCompatibility", [("xmlns", f"{ENGINE}/2008"), *mark])
        if kind == 2:
            token = f"<wsse:UsernameToken><wsse:Username>u</wsse:Username>{self.gap()}</wsse:UsernameToken>"
            return self.element("wsse:Security", [("xmlns:wsse", WSSE), *mark], token)
        if kind == 3:
            return self.element("BeginGetSessionToken", [("mustUnderstand", "0")])
        if kind == 4:
            inner = f"<Session xmlns='{XMLA}' SessionId='inner'/>"
            return self.element("z:Wrapper", [("xmlns:z", "urn:z"), *mark], inner)
        if kind == 5:
            return self.element("SessionToken", [("xmlns", f"{ENGINE}/2")], f"<a>{sid}</a>")
        if kind == 6:
            return self.element("b", [("xmlns", "urn:b"), *mark], "<![CDATA[</b>]]>é<c xmlns=''/>")
        if kind == 7:
            return self.element("session", [("xmlns", "urn:b"), ("SessionId", self.sid())])
        if kind == 8:
            return self.element("Session", [("SessionId", self.sid())])
        if kind == 9:
            return self.element("undeclared:block", mark)
        if kind == 10:
            return self.element("p:a", [("xmlns:p", self.pick(_ODD_NAMESPACES)), *mark])
        return self.element("a:b:c", [("xmlns:a", "urn:a")])

    def message(self) -> str:
        soap_namespace = self.pick(
            [SOAP_11] * 9 + [SOAP_12], ["", "urn:a", "https" + SOAP_11[4:], SOAP_11[:-1]]
        )
        soap = self.pick([*_PREFIXES, "s", "soap", "s", "soap", ""])
        scope = {soap: soap_namespace}
        for _ in range(self.pick([0, 0, 0, 1, 2, 5])):
            prefix = self.pick([*_PREFIXES, ""])
            # The prefix of SOAP is not bound again, because then the Body would be in another namespace.
            if prefix != soap:
                scope[prefix] = self.pick(_NAMESPACES, _ODD_NAMESPACES)
        pairs = [(f"xmlns:{prefix}" if prefix else "xmlns", name) for prefix, name in scope.items()]
        if self.chance(10):
            pairs.append(("id", "e"))
        if soap and self.chance(8):
            pairs.append((f"{soap}:encodingStyle", "http://schemas.xmlsoap.org/soap/encoding/"))
        mark = f"{soap}:" if soap else ""
        envelope, body = f"{mark}Envelope", f"{mark}Body"
        if self.odd:
            envelope = self.pick([envelope] * 9, [f"{mark}envelope", "html", "Envelope"])
        parts = [self.prolog(), f"<{envelope}{self.attributes(pairs)}{self.pick(['', '', ' '])}>", self.gap()]
        parts += [self.header(f"{mark}Header", soap, scope), self.gap()]
        if self.odd and self.chance(8):
            parts.append(self.pick(["<other/>", "<Body/>", f"<{mark}Fault/>", f"<{mark}header/>"]))
        parts += [self.body(envelope, body), self.pick(_SPACES, _GAPS)]
        if self.odd and self.chance(4):
            late = [
                f"<{body}/>",
                f"<{mark}Header/>",
                "<late/>",
                f"<{body}><a/></{body}>",
                "<!---->",
                "late",
                "<![CDATA[]]>",
            ]
            parts += [self.pick(late), self.gap(), self.pick([*late, ""])]
        parts += [
            f"</{envelope}{self.pick(['', '', ' '])}>",
            self.pick(["", "", "\r\n", "<!-- end -->"], _ODD_GAPS),
        ]
        return "".join(parts)

    def prolog(self) -> str:
        return self.pick(
            ["", "", "", "{declaration}", "{declaration}", "{declaration}\r\n", "<!-- first -->", "\n"],
            [
                "<!DOCTYPE a>",
                "{declaration}<!DOCTYPE a [<!ENTITY b 'c'>]>",
                "<?pi?>",
                "text",
                " {declaration}",
            ],
        )

    def header(self, name: str, soap: str, scope: dict[str, str]) -> str:
        if self.chance(6):
            return ""
        blocks = []
        for index in range(self.pick([0, 1, 1, 1, 2, 2, 3, 5])):
            own = not index or (self.odd and self.chance(3)) or self.chance(12)
            blocks.append(self.session_header(soap, scope) if own else self.unknown_block(soap))
        if len(blocks) > 1:
            blocks = self.shuffled(blocks)
        content = "".join(f"{self.gap()}{block}" for block in blocks)
        if content:
            content += self.gap()
        pairs = []
        if self.chance(6):
            pairs.append(self.pick([("xmlns", "urn:a"), ("xmlns:late", XMLA), ("id", "h"), ("xml:lang", "")]))
        if ("xmlns", "urn:a") in pairs and not soap:
            pairs = []
        header = self.element(name, pairs, content)
        return header + header if self.odd and self.chance(24) else header

    def body(self, envelope: str, body: str) -> str:
        pairs = []
        if self.chance(4):
            pairs.append(self.pick([("id", "b>"), ("xmlns:late", "urn:a"), ("xml:lang", "'/>"), ("a", "")]))
        if self.chance(6):
            return f"<{body}{self.attributes(pairs)}{self.pick(['', ' '])}/>"
        content = self.pick([*_CONTENTS, *_TRICKY_CONTENTS], _ODD_CONTENTS)
        if self.chance(6):
            content += self.pick([*_CONTENTS, *_TRICKY_CONTENTS])
        content = content.replace("{body}", body).replace("{envelope}", envelope)
        start = f"<{body}{self.attributes(pairs)}{self.pick(['', ' '])}>"
        return f"{start}{content}</{body}{self.pick(['', '', ' '])}>"

    def encoded(self, text: str) -> bytes:
        """Return the message in an encoding that it declares, or with `odd` perhaps in another one."""
        mark, codec, label = self.pick(
            [
                *[("", "utf-8", "UTF-8")] * 4,
                ("", "utf-8", "utf8"),
                ("", "utf-8", ""),
                ("\ufeff", "utf-8", "utf-8"),
                ("\ufeff", "utf-16-le", "UTF-16"),
                ("\ufeff", "utf-16-be", "utf-16"),
                ("\ufeff", "utf-16-le", "utf-16le"),
                ("", "iso-8859-1", "ISO-8859-1"),
                ("", "us-ascii", "US-ASCII"),
            ],
            [
                ("", "utf-16-le", "UTF-16"),
                ("", "utf-8", "UTF-16"),
                ("", "utf-8", "windows-1252"),
                ("", "utf-8", "hex"),
                ("", "utf-8", "us-ascii"),
                ("", "iso-8859-1", "UTF-8"),
                ("\ufeff", "utf-8", "ISO-8859-1"),
                ("\ufeff", "utf-16-be", "utf-16le"),
                ("", "utf-32-le", ""),
                ("\ufeff\ufeff", "utf-8", ""),
            ],
        )
        if codec in {"iso-8859-1", "us-ascii"} and "{declaration}" not in text:
            text = "{declaration}" + text.lstrip()
        version = self.pick(["1.0"], ["1.1", "1.2", ""])
        label = f"{self.space()}encoding={self.quoted(label)}" if label else ""
        standalone = self.pick(["", "", "", " standalone='yes'"], [" standalone='maybe'"])
        declaration = (
            f"<?xml{self.space()}version={self.quoted(version)}{label}{standalone}{self.pick(['', ' '])}?>"
        )
        if codec == "us-ascii":
            # A prefix cannot contain a reference.
            text = text.replace("é", "e-")
        text = mark + text.replace("{declaration}", declaration, 1)
        errors = "xmlcharrefreplace" if codec in {"iso-8859-1", "us-ascii"} else "surrogatepass"
        return text.encode(codec, errors)

    def quoted(self, text: str) -> str:
        return f"'{text}'" if self.chance(3) else f'"{text}"'


def _first(text: str) -> int:
    """Return the length of the first character, which may be written as a reference."""
    return text.index(";") + 1 if text.startswith("&") else 1


@st.composite
def messages(draw: DrawFn, ids: SearchStrategy[str] = session_ids, *, odd: bool | None = None) -> bytes:
    """Messages of all shapes; `odd` says whether they may break a rule, and None means either."""
    if odd is None:
        odd = draw(st.booleans())
    if draw(st.integers(0, 4)) == 4:
        return draw(everyday(ids, misses=odd))
    writer = _Writer(draw, ids, odd=odd)
    return writer.encoded(writer.message())


@st.composite
def everyday(draw: DrawFn, ids: SearchStrategy[str] = session_ids, *, misses: bool = True) -> bytes:
    """Messages of the common shape, and near misses of it."""
    writer = _Writer(draw, ids, odd=False)
    # At most one miss, because with more of them most messages would differ widely.
    miss = draw(st.sampled_from([-1] * 9 + list(range(19)))) if misses else -1
    soap = writer.pick(["s", "soap", "SOAP_ENV"])
    start = writer.pick(
        [
            "",
            "",
            "\ufeff",
            '<?xml version="1.0" encoding="utf-8"?>',
            "<?xml version='1.0'?>\r\n",
            "<?xml version='1.0' encoding=\"UTF-8\" standalone='yes' ?> <!-- sent - by - hand -->\n",
        ]
    )
    if miss == 0:
        start = writer.pick(
            [
                " ",
                "<!-- -->",
                "\ufeff ",
                '<?xml version="1.0" encoding="ascii"?>',
                '<?xml version="1.1"?>',
                "\n\n<?xml version='1.0'?>",
                "<?xml version=\"1.0'?>",
                '<?xml version="1.0" encoding="utf-8\'?>',
                '<?xml version="1.0" standalone="maybe"?>',
                '<?xml version="1.0"?><!-- -- -->',
                '<?xml version="1.0"?><!-- --->',
                '<?xml version="1.0"?><!-- \x7f -->',
                '<?xml version="1.0"?><!-- \x01 -->',
            ]
        )
    declarations = f' xmlns:{soap}="{SOAP_11}"'
    if miss == 1:
        declarations = f' xmlns:{soap}="{writer.pick([SOAP_12, "urn:a", XML, ""])}"'
    if writer.chance(2):
        declarations += f' xmlns:xa="{XMLA}"'
    if miss == 2:
        declarations += writer.pick(
            [
                f' xmlns:{soap}="urn:a"',
                ' id="a"',
                ' xmlns="urn:a"',
                ' xmlns=""',
                ' xmlns:p=""',
                f' xmlns:q="{SOAP_11}"',
                f' xmlns:xml="{XML}"',
                f' xmlns:xmlns="{XMLNS}"',
                f' xmlns:p="{XMLNS}"',
                f' xmlns:p="{XML}"',
                f' {soap}:a=""',
                " xmlns:p='urn:a'",
                ' xmlns:p="&amp;"',
                ' q:a=""',
                f' {soap}:a="" xmlns:q="{SOAP_11}" q:a=""',
                f' {soap}:a="" {soap}:a=""',
            ]
        )
    kind = writer.pick(["Session", "Session", "BeginSession", "EndSession"])
    name, attributes = kind, f' xmlns="{XMLA}"'
    if "xmlns:xa" in declarations and writer.chance(2):
        name, attributes = f"xa:{kind}", ""
    if miss == 3:
        name = writer.pick(["session", "xb:Session", f"{soap}:Session", "Security"])
    if kind != "BeginSession" or miss == 4:
        sid = writer.sid()
        sid = sid.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        if miss != 5:
            label = writer.pick(["SessionID", "sessionid", "xa:SessionId"]) if miss == 6 else "SessionId"
            attributes += f' {label}="{"" if miss == 7 else sid}"'
    form = writer.pick([None, None, "1", "0"])
    if miss == 8:
        form = writer.pick(["true", "", "2", " 1"])
    if form is not None:
        attributes += f' {"" if miss == 9 else soap + ":"}mustUnderstand="{form}"'
    if miss == 10:
        attributes += writer.pick(
            [
                f' {soap}:actor=""',
                ' xsi:type="a"',
                ' xmlns:q="urn:q" q:a=""',
                f' xmlns:q="{SOAP_11}" q:mustUnderstand="1"',
                ' xmlns="urn:twice"',
                f' xmlns:{soap}="urn:hidden"',
                ' a=""',
                ' mustUnderstand="1"',
            ]
        )
    close = writer.pick(["/>", " />", f"></{name}>"])
    if miss == 11:
        close = writer.pick([f"> </{name}>", f">text</{name}>", f"><a/></{name}>", "\n/>", f"></{name} >"])
    space = writer.pick(["", "", "\r\n  ", " ", "<!-- a - comment -->"])
    block = f"<{name}{attributes}{close}"
    if miss == 12:
        block = writer.pick(
            [
                "",
                block * 2,
                f"{block}<a/>",
                f"<!-- -->{block}",
                f"{block}text",
                f"<!--{block}-->",
                f"{block}<!-->",
            ]
        )
    blocks = [block, *(writer.pick(_EVERYDAY_BLOCKS) for _ in range(writer.pick([0, 0, 1, 2])))]
    if miss == 16:
        blocks.append(writer.pick(_ODD_BLOCKS))
    blocks = draw(st.permutations(blocks))
    inside = space.join(blocks).replace("{soap}", soap)
    header = f"<{soap}:Header>{space}{inside}{space}</{soap}:Header>"
    if miss == 13:
        header = writer.pick(
            ["", f"<{soap}:Header/>", header * 2, f"<{soap}:Header></{soap}:Header>", f"{header}text"]
        )
    content = writer.pick([*_CONTENTS, *_TRICKY_CONTENTS]) if miss != 14 else writer.pick(_ODD_CONTENTS)
    body, envelope = f"{soap}:Body", f"{soap}:Envelope"
    content = content.replace("{body}", body).replace("{envelope}", envelope)
    end = f"</{body}>{space}</{envelope}>"
    if miss == 15:
        end = writer.pick(
            [
                f"</{body}><a/></{envelope}>",
                f"</{body}><{body}>{end}",
                f"</{body}><{body}/></{envelope}>",
                f"</{body}><!-- --></{envelope}>",
                f"</{body} ></{envelope} > ",
                f"</{body}>",
                f"{end} x",
                f"</{body}>x</{envelope}>",
            ]
        )
    if miss == 17:
        declarations += writer.pick(
            [" a='\"'", ' xmlns:p="a&b"', " xmlns:p='<'", " xmlns:p='é'", "\n", ' p="']
        )
    own = writer.pick(
        ["", "", "", ' xmlns:q="urn:q"', f" xmlns=\"{XMLA}\" id='a'", f' {soap}:encodingStyle=""']
    )
    if miss == 18:
        own = writer.pick(_ODD_BODY_ATTRIBUTES).replace("{soap}", soap)
    text = f"{start}<{envelope}{declarations}>{space}{header}{space}<{body}{own}>{content}{end}"
    return text.encode("utf-8", "surrogatepass")


#: Other header blocks; {soap} is the prefix of SOAP.
_EVERYDAY_BLOCKS = [
    f'<Version xmlns="{ENGINE}/2" Sequence="926" />',
    f"<Version Sequence='922' xmlns='{ENGINE}'/>",
    f'<NamespaceCompatibility xmlns="{ENGINE}" mustUnderstand="0"/>',
    '<q:Note xmlns:q="urn:q" q:kind="a>b">Some text, > and a {soap}:name</q:Note >',
    '<q:Note\n\txmlns:q="urn:q"></q:Note>',
    '<{soap}:Note {soap}:mustUnderstand="1" />',
    '<q:Note {soap}:mustUnderstand="0" xmlns:q="urn:q"> </q:Note>',
]
_ODD_BLOCKS = [
    "<Version/>",
    '<Version xmlns=""/>',
    '<Version xmlns:q="urn:q" a=""/>',
    f'<Version xmlns="{ENGINE}/2"/>',
    f'<Version xmlns="{ENGINE}/2" Sequence="1">text</Version>',
    f'<Version xmlns="{ENGINE}/2" Sequence="1"> </Version>',
    f'<Version xmlns="{ENGINE}/2" Sequence="" Note="a"/>',
    '<session xmlns="urn:q"/>',
    '<q:SESSION xmlns:q="urn:q"/>',
    f'<Session xmlns="{XMLA}" SessionId="second"/>',
    f'<EndSession xmlns="{XMLA}" SessionId="second"/>',
    f'<Session xmlns="{XMLA}"/>',
    "<q:Note/>",
    "<xml:Note/>",
    "<xmlns:Note/>",
    '<q:Note xmlns:q=""/>',
    '<q:Note xmlns:q="urn:q" r:a=""/>',
    '<q:Note xmlns:q="urn:q" q:a="" q:a=""/>',
    '<q:Note xmlns:q="urn:q" xmlns:q="urn:q"/>',
    '<q:Note xmlns:q="urn:q" a="" a=""/>',
    '<q:Note xmlns:q="urn:q" xmlns:r="urn:q" q:a="" r:a=""/>',
    '<q:Note xmlns:q="urn:q" xml:lang="en"/>',
    '<q:Note xmlns:q="urn:q" {soap}:mustUnderstand="2"/>',
    '<q:Note xmlns:q="urn:q" {soap}:mustUnderstand=" 1"/>',
    '<q:Note xmlns:q="urn:q" {soap}:mustUnderstand="0" q:a=""/>',
    f'<q:Note xmlns:q="urn:q" xmlns:r="{SOAP_11}" r:mustUnderstand="0" {{soap}}:mustUnderstand="1"/>',
    f'<q:Note xmlns:q="urn:q" xmlns:r="{SOAP_12}" r:mustUnderstand="true"/>',
    '<q:Note xmlns:q="urn:q" {soap}:actor="urn:me"/>',
    f'<q:Note xmlns:q="urn:q" xmlns:r="{SOAP_12}" r:role="urn:me"/>',
    '<{soap}:Note xmlns:{soap}="urn:other" {soap}:mustUnderstand="2"/>',
    '<q:Note xmlns:q="urn:q">a & b</q:Note>',
    '<q:Note xmlns:q="urn:q">a &amp; b</q:Note>',
    '<q:Note xmlns:q="urn:q">]]></q:Note>',
    '<q:Note xmlns:q="urn:q">\x0b</q:Note>',
    '<q:Note xmlns:q="urn:q">é</q:Note>',
    '<q:Note xmlns:q="urn:q"><q:a/></q:Note>',
    '<q:Note xmlns:q="urn:q"><!-- --></q:Note>',
    '<q:Note xmlns:q="urn:q"></q:Other>',
    '<q:Note xmlns:q="urn:q"/ >',
    '<q:Note xmlns:q="urn:q"a=""/>',
    '<q:Note xmlns:q="urn:q" a="&#9;\t"/>',
    "<q:Note xmlns:q='urn:q\">",
    "<!-- <a/> -->",
    "<!-- -- -->",
    "text",
]
_ODD_BODY_ATTRIBUTES = [
    ' xmlns:{soap}="urn:other"',
    ' xmlns="urn:other" xmlns:{soap}="urn:other"',
    f' xmlns:{{soap}}="{SOAP_12}"',
    f' xmlns:q="{SOAP_11}"',
    ' q:a=""',
    ' a="" a=""',
    ' {soap}:a="" {soap}:b=""',
    ' xmlns:q=""',
    ' xmlns=""',
    f' xmlns:q="{XML}"',
    ' xmlns:xml="urn:q"',
    ' xmlns:q="urn:q" xmlns:q="urn:q"',
    ' a=">"',
    ' a="<"',
    ' a="&quot;"',
    " a=",
    ' xmlns:q="urn:é"',
]

_BODIES = [
    b"<%b/>",
    b"<%b></%b>",
    b"<%b>text</%b>",
    b"<%b><![CDATA[</%b></s:Envelope>]]></%b>",
    b"<%b><a></%b>",
    b"<%b></%b><late/>",
    b"<%b><?pi?></%b>",
    b"<%b><undeclared:a/></%b>",
]


@st.composite
def shared_heads(draw: DrawFn) -> tuple[bytes, bytes]:
    """Two messages with the same head and different bytes after it."""
    first = draw(st.one_of(everyday(), messages()))
    start = first.find(b"Body>")
    if start < 0:
        return first, first
    head = first[: start + 5]
    name = head[head.rfind(b"<") + 1 : -1]
    body = draw(st.sampled_from(_BODIES))
    rest = body.replace(b"<%b>", b"", 1).replace(b"%b", name) + b"</%b:Envelope>" % name.partition(b":")[0]
    return first, head + rest


#: Tokens that parsers search for or fail on.
_TOKENS = [
    *(
        b"<",
        b">",
        b"/>",
        b"</",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?",
        b"?>",
        b"<!DOCTYPE",
        b"&",
        b";",
    ),
    *(b'"', b"'", b"=", b":", b" ", b"\r\n", b"\r", b"\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc3", b"\x80"),
    *(
        b"s:",
        b"soap:",
        b"Body",
        b"Header",
        b"Envelope",
        b"Session",
        b"BeginSession",
        b"EndSession",
        b"SessionId",
    ),
    *(b"xmlns", b"xmlns:", b'xmlns=""', b' xmlns:p=""', b"xml:", b"mustUnderstand", b'"0"', b'"1"', b"actor"),
    *(b"&#0;", b"&#65;", b"&amp;", b"&#xD800;", b"utf-8", b"utf-16", b"1.0", b"1.1", b"<a/>", b"<s:Body>"),
    *(b"</s:Body>", b"</s:Envelope>", b"<s:Header/>", SOAP_11.encode(), SOAP_12.encode(), XMLA.encode()),
]


@st.composite
def mutated(draw: DrawFn, source: SearchStrategy[bytes] | None = None) -> bytes:
    """Messages with some bytes changed, inserted, removed or moved."""
    data = bytearray(draw(messages(odd=False) if source is None else source))
    for _ in range(draw(st.integers(1, 3))):
        size = len(data)
        start = draw(st.integers(0, size))
        kind = draw(
            st.sampled_from(["flip", "insert", "token", "token", "swap", "delete", "cut", "repeat", "move"])
        )
        end = min(size, start + draw(st.integers(0, 40)))
        piece = bytes(data[start:end])
        if kind == "flip" and start < size:
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "insert":
            data[start:start] = draw(st.binary(max_size=4))
        elif kind == "token":
            data[start:start] = draw(st.sampled_from(_TOKENS))
        elif kind == "swap":
            data = bytearray(
                _swapped(bytes(data), draw(st.sampled_from(_TOKENS)), draw(st.sampled_from(_TOKENS)), start)
            )
        elif kind == "delete":
            del data[start:end]
        elif kind == "cut":
            del data[start:]
        elif kind == "repeat":
            data[end:end] = piece * draw(st.integers(1, 3))
        elif kind == "move":
            del data[start:end]
            place = draw(st.integers(0, len(data)))
            data[place:place] = piece
    return bytes(data)


def _swapped(data: bytes, old: bytes, new: bytes, start: int) -> bytes:
    found = data.find(old, start)
    if found < 0:
        found = data.find(old)
    return data if found < 0 else data[:found] + new + data[found + len(old) :]
