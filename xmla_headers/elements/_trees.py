"""Elements of ElementTree and lxml -> bytes, and header blocks -> elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers._checks import bad_fragment, wrong_type
from xmla_headers._xml.escape import escape_attribute, escape_text
from xmla_headers._xml.names import is_ncname, short
from xmla_headers._xml.prefixes import declarations
from xmla_headers._xml.raw import RawElement
from xmla_headers._xml.walker import Walker
from xmla_headers.findings import Code, DecodeError, value_finding
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XML_NS, XMLA_NS, XSI_NS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    # What ElementTree and lxml have in common is not written down anywhere.
    Tree: TypeAlias = Any

__all__ = ["append", "build", "child_elements", "child_named", "exchange", "serialize", "split_tag"]

# lxml makes the prefixes in scope anew for each element: prefixes times elements, and both are the
# sender's. Real heads have a few hundred.
_MOST_BINDINGS = 250_000

# Prefixes for people, in the paths of findings: a tree of ElementTree has forgotten its own.
_PREFIXES = {SOAP_11_NS: "soap", SOAP_12_NS: "soap12", XMLA_NS: "xa", XSI_NS: "xsi", XML_NS: "xml"}


def split_tag(tag: str) -> tuple[str, str]:
    """Return namespace and local name of a tag in Clark notation."""
    namespace, brace, local = tag.rpartition("}")
    return (namespace[1:], local) if brace else ("", tag)


def child_elements(element: Tree) -> Iterator[Tree]:
    """Yield the child elements, without comments and processing instructions."""
    return (child for child in element if isinstance(child.tag, str))


def child_named(parent: Tree, local: str) -> Tree | None:
    """Return the first child element of a name in the parent's own namespace."""
    wanted = (split_tag(parent.tag)[0], local)
    return next((child for child in child_elements(parent) if split_tag(child.tag) == wanted), None)


def serialize(element: Tree) -> bytes:
    """Return a message with the head of an Envelope element, or with a Header element for its head.

    In its Body there is nothing but the Fault, if that comes first. What XML cannot carry is written
    down as it is, for the reader to find. Raises TypeError for what is no element, EncodeError
    (`bad-fragment`) for a name that is none.
    """
    if not isinstance(getattr(element, "tag", None), str):
        raise wrong_type("an element", "one of ElementTree or lxml (of a tree, its getroot())", element)
    if next(iter(element), None) is element:
        raise TypeError("an element of lxml.objectify does not hold its children: parse with lxml.etree")
    writer = _Writer(element)
    if split_tag(element.tag)[1] != "Header":
        writer.write(element, body=child_named(element, "Body"))
        return writer.result()
    writer.write(element)
    # The root of what was written is the Header; its prefixes are declared around it as well.
    name = writer.root_name.removesuffix("Header")
    header = writer.result()
    declared = writer.root_declarations
    return b"".join(
        part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        for part in (f"<{name}Envelope{declared}>", header, f"<{name}Body/></{name}Envelope>")
    )


class _Writer:
    """Writes elements, under the prefixes that they have, or for ElementTree under prefixes of ours."""

    def __init__(self, root: Tree) -> None:
        # lxml knows the prefixes of each element, ElementTree has forgotten them.
        self._knows = hasattr(root, "nsmap")
        # Prefixes in scope, of all elements together.
        self._bindings = 0
        # Namespace -> prefix, for ElementTree.
        self._prefixes = {XML_NS: "xml"}
        self._parts: list[str] = []
        self.root_name = ""
        self.root_declarations = ""

    def result(self) -> bytes:
        return "".join(self._parts).encode("utf-8", "surrogatepass")

    def write(self, root: Tree, *, body: Tree | None = None) -> None:
        """Write an element, and of what is in `body` the Fault alone. Without recursion, however deep."""
        parts = self._parts
        # What is still to be written: text as it is, elements with the scope around them.
        todo: list[str | tuple[Tree, Mapping[str, str]]] = [(root, {})]
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                parts.append(item)
                continue
            element, outer = item
            if element is not root and element.tail:
                todo.append(escape_text(_text("a tail", element.tail)))
            if not isinstance(element.tag, str):
                parts.append(_other_node(element))
                continue
            scope = self._scope(element)
            name = self._name(element)
            parts.append(f"<{name}")
            if element is root:
                self.root_name = name
                root_start = len(parts)
            parts += [self._declarations(scope, outer), self._attributes(element, scope)]
            text = "" if element is body else element.text
            children = _fault_in(element) if element is body else list(element)
            if not text and not children:
                parts.append("/>")
                continue
            parts += [">", escape_text(_text("a text", text or ""))]
            todo.append(f"</{name}>")
            todo += [(child, scope) for child in reversed(children)]
        if not self._knows:
            # Only now is it known which namespaces there are.
            used = {prefix: namespace for namespace, prefix in self._prefixes.items()}
            parts[root_start] = declarations(item for item in used.items() if item[0] != "xml")
        self.root_declarations = parts[root_start]

    def _scope(self, element: Tree) -> Mapping[str, str]:
        if not self._knows:
            return {}
        scope = {prefix or "": namespace for prefix, namespace in element.nsmap.items()}
        self._bindings += len(scope)
        if self._bindings > _MOST_BINDINGS:
            message = f"the elements of a tree have more than {_MOST_BINDINGS} prefixes in scope in all"
            raise DecodeError(value_finding(Code.LIMIT_EXCEEDED, message))
        if not split_tag(element.tag)[0]:
            # One that was put under a default namespace does not say that it is in none.
            scope[""] = ""
        return scope

    def _declarations(self, scope: Mapping[str, str], outer: Mapping[str, str]) -> str:
        return declarations(
            (prefix, namespace)
            for prefix, namespace in scope.items()
            if outer.get(prefix, "") != namespace and prefix != "xml"
        )

    def _name(self, element: Tree) -> str:
        namespace, local = _checked(element.tag)
        if not namespace:
            return local
        if not self._knows:
            return f"{self._prefix(namespace)}:{local}"
        prefix = element.prefix
        return f"{prefix}:{local}" if prefix else local

    def _attributes(self, element: Tree, scope: Mapping[str, str]) -> str:
        written = []
        prefixes = None
        for tag, value in element.attrib.items():
            namespace, name = _checked(tag)
            if namespace == XML_NS:
                name = f"xml:{name}"
            elif namespace and not self._knows:
                name = f"{self._prefix(namespace)}:{name}"
            elif namespace:
                if prefixes is None:
                    prefixes = {bound: prefix for prefix, bound in scope.items() if prefix}
                name = f"{prefixes[namespace]}:{name}"
            written.append(f' {name}="{escape_attribute(_text("an attribute value", value))}"')
        return "".join(written)

    def _prefix(self, namespace: str) -> str:
        prefixes = self._prefixes
        prefix = prefixes.get(namespace)
        if prefix is None:
            prefix = prefixes[namespace] = _PREFIXES.get(namespace) or f"ns{len(prefixes)}"
        return prefix


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type(f"{what} in a tree", "str", value)
    return value


def _checked(tag: object) -> tuple[str, str]:
    namespace, local = split_tag(_text("a name", tag))
    if not is_ncname(local):
        raise bad_fragment(f"a tree holds {short(local)!r} for a name, which XML does not know")
    return namespace, local


def _fault_in(body: Tree) -> list[Tree]:
    first = next(child_elements(body), None)
    return [first] if first is not None and first.tag == f"{{{SOAP_11_NS}}}Fault" else []


def _other_node(node: Tree) -> str:
    """Return what stands for a node that is no element: nothing for a comment, which means nothing."""
    # ElementTree and lxml mark such nodes by the function that makes them.
    kind = getattr(node.tag, "__name__", None)
    if kind is None:
        raise wrong_type("a name in a tree", "str", node.tag)
    if kind == "Comment":
        return ""
    if kind == "Entity":
        return f"&{node.name};"
    target = getattr(node, "target", None) or (node.text or "").partition(" ")[0]
    return f"<?{target}?>"


def build(xml: str, like: Tree) -> Tree:
    """Return a header block that was just written as an element for the tree that `like` is in."""
    builder = _Builder(xml.encode(), like)
    builder.run()
    return builder.root


def exchange(parent: Tree, old: Tree, new: list[Tree]) -> None:
    """Put elements into the place of one, with the white space that was around it."""
    index = list(parent).index(old)
    before = parent.text if not index else parent[index - 1].tail
    space = before if (before or "").isspace() else None
    for element in new[:-1]:
        element.tail = space
    if new:
        new[-1].tail = old.tail
    elif old.tail:
        # What gives way to nothing is never the first.
        parent[index - 1].tail = (parent[index - 1].tail or "") + old.tail
    # lxml moves the tail along with its element.
    parent[index : index + 1] = new


def append(parent: Tree, new: list[Tree]) -> None:
    """Put elements behind all others, indented as the first one is."""
    for element in new:
        if len(parent) and (parent.text or "").isspace():
            last = parent[-1]
            last.tail, element.tail = parent.text, last.tail
        parent.append(element)


class _Builder(Walker):
    """Makes elements by `makeelement`, which ElementTree and lxml both have."""

    __slots__ = ("_like", "_made", "root")

    def __init__(self, xml: bytes, like: Tree) -> None:
        super().__init__(xml)
        self._like = like
        # The elements made of those that are open.
        self._made: list[Tree] = []
        self.root: Tree = None
        self.expat.CharacterDataHandler = self._text

    def start_element(self, element: RawElement) -> None:
        values = {_clark(namespace, local): value for namespace, local, value, _ in element.attributes}
        if hasattr(self._like, "nsmap"):
            declared = element.declared or {}
            nsmap = {prefix or None: bound for prefix, bound in declared.items() if bound}
            made = self._like.makeelement(element.qname, values, nsmap)
        else:
            made = self._like.makeelement(element.qname, values)
        if self._made:
            self._made[-1].append(made)
        else:
            self.root = made
        self._made.append(made)

    def end_element(self, _element: RawElement) -> None:
        self._made.pop()

    def _text(self, data: str) -> None:
        parent = self._made[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data


def _clark(namespace: str, local: str) -> str:
    return f"{{{namespace}}}{local}" if namespace else local
