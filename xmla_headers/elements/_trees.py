"""Elements of ElementTree and lxml: written as bytes, made from header blocks, and inserted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from xmla_headers._checks import bad_fragment, wrong_type
from xmla_headers._xml.escape import escape_attribute, escape_text
from xmla_headers._xml.names import clark, is_ncname, short, split_clark
from xmla_headers._xml.namespaces import Namespaces
from xmla_headers._xml.prefixes import declarations
from xmla_headers._xml.raw import RawElement
from xmla_headers._xml.walker import Walker
from xmla_headers.findings import Code, DecodeError, value_finding
from xmla_headers.soap import NO_LIMITS, SOAP_11_NS, SOAP_12_NS, SOAP_VERSIONS, XML_NS, XMLA_NS, XSI_NS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["append", "build", "child_elements", "child_named", "exchange", "serialize"]

# ElementTree and lxml share an interface, but no type describes it.
Tree: TypeAlias = Any

# lxml makes a dict of the prefixes in scope for each element. That takes prefixes times elements, and the
# sender chooses both. Real heads have a few hundred.
_MOST_BINDINGS = 250_000

# Readable prefixes for the paths of findings: ElementTree does not keep the prefixes of a message.
_PREFIXES = {SOAP_11_NS: "soap", SOAP_12_NS: "soap12", XMLA_NS: "xa", XSI_NS: "xsi", XML_NS: "xml"}


def child_elements(element: Tree) -> Iterator[Tree]:
    """Yield the child elements, without comments and processing instructions."""
    return (child for child in element if isinstance(child.tag, str))


def child_named(parent: Tree, local: str) -> Tree | None:
    """Return the first child element of a local name in the parent's own namespace."""
    wanted = (split_clark(parent.tag)[0], local)
    return next((child for child in child_elements(parent) if split_clark(child.tag) == wanted), None)


def serialize(element: Tree) -> bytes:
    """Return a message with the head of an Envelope element, or with a Header element as its head.

    The Body has no content except a Fault, if that comes first. Characters that XML does not allow are
    written unchanged, so that the reader reports them. Raises TypeError if the argument is not an
    element; EncodeError (`bad-fragment`) if a tag or an attribute has an invalid name.
    """
    if not isinstance(getattr(element, "tag", None), str):
        raise wrong_type("an element", "one of ElementTree or lxml (of a tree, its getroot())", element)
    if next(iter(element), None) is element:
        raise TypeError("an element of lxml.objectify does not hold its children: parse with lxml.etree")
    writer = _Writer(element)
    if split_clark(element.tag)[1] != "Header":
        writer.write(element, body=child_named(element, "Body"))
        return writer.result()
    writer.write(element)
    # The Header was written as the root, so its declarations are repeated on the Envelope.
    name = writer.root_name.removesuffix("Header")
    header = writer.result()
    declared = writer.root_declarations
    return b"".join(
        part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        for part in (f"<{name}Envelope{declared}>", header, f"<{name}Body/></{name}Envelope>")
    )


class _Writer:
    """Writes elements with their own prefixes, or for ElementTree with generated ones."""

    def __init__(self, root: Tree) -> None:
        # lxml keeps the prefixes of each element, ElementTree does not.
        self._knows = hasattr(root, "nsmap")
        # The number of prefixes in scope, summed over all elements.
        self._bindings = 0
        # Namespace -> prefix, for ElementTree.
        self._prefixes = {XML_NS: "xml"}
        self._parts: list[str] = []
        self.root_name = ""
        self.root_declarations = ""

    def result(self) -> bytes:
        return "".join(self._parts).encode("utf-8", "surrogatepass")

    def write(self, root: Tree, *, body: Tree | None = None) -> None:
        """Write an element, but of `body` only a Fault; without recursion, since trees may be deep."""
        parts = self._parts
        # A stack of what is still to be written: text, or an element with the scope around it.
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
            # All namespaces are known only at the end.
            used = {prefix: namespace for namespace, prefix in self._prefixes.items()}
            parts[root_start] = declarations(item for item in used.items() if item[0] != "xml")
        self.root_declarations = parts[root_start]

    def _scope(self, element: Tree) -> Mapping[str, str]:
        if not self._knows:
            return {}
        scope = {prefix or "": namespace for prefix, namespace in element.nsmap.items()}
        self._bindings += len(scope)
        if self._bindings > _MOST_BINDINGS:
            message = f"the elements of a tree have more than {_MOST_BINDINGS} prefixes in scope in total"
            raise DecodeError(value_finding(Code.LIMIT_EXCEEDED, message))
        if not split_clark(element.tag)[0]:
            # An element without namespace may have been inserted below a default namespace.
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
    namespace, local = split_clark(_text("a name", tag))
    if not is_ncname(local):
        raise bad_fragment(f"a tree holds {short(local)!r} as a name, which XML does not allow")
    return namespace, local


_FAULTS = frozenset(f"{{{namespace}}}Fault" for namespace in SOAP_VERSIONS)


def _fault_in(body: Tree) -> list[Tree]:
    first = next(child_elements(body), None)
    return [first] if first is not None and first.tag in _FAULTS else []


def _other_node(node: Tree) -> str:
    """Return the XML of a node that is not an element; nothing for a comment, which has no meaning."""
    # In ElementTree and lxml the tag of such a node is the function that makes it.
    kind = getattr(node.tag, "__name__", None)
    if kind is None:
        raise wrong_type("a name in a tree", "str", node.tag)
    if kind == "Comment":
        return ""
    if kind == "Entity":
        return f"&{node.name};"
    target = getattr(node, "target", None) or (node.text or "").partition(" ")[0]
    return f"<?{target}?>"


def prefixes_in(element: Tree) -> dict[str, str]:
    """Return prefix -> namespace in an element, without the default namespace; ElementTree has none."""
    return {prefix: namespace for prefix, namespace in getattr(element, "nsmap", {}).items() if prefix}


def build(xml: str, like: Tree, named: Collection[str] = ()) -> Tree:
    """Return a header block, given as XML, as an element for its place in the element `like`.

    `named` are the namespaces of the qualified names in its values. Raises EncodeError (`bad-fragment`) for
    an element that lxml would write in another namespace, and for a prefix that the tree would lose.
    """
    builder = _Builder(xml.encode(), like)
    builder.run()
    if named:
        _check_prefixes(builder, like, named)
    if hasattr(like, "nsmap"):
        around = like.nsmap.get(None)
        for element in builder.root.iter("*"):
            # lxml never writes xmlns="".
            if not split_clark(element.tag)[0] and (around or element.nsmap.get(None)):
                name = short(element.tag)
                raise bad_fragment(f"lxml cannot hold {name}, in no namespace, inside a default namespace")
    return builder.root


def _check_prefixes(builder: _Builder, like: Tree, named: Collection[str]) -> None:
    """Check that the prefixes in the values of a built element mean the same in its tree."""
    if not hasattr(like, "nsmap"):
        raise bad_fragment("ElementTree does not keep the prefix of a qualified name: use lxml")
    if "" in named and like.nsmap.get(None):
        message = "lxml cannot hold a qualified name in no namespace inside a default namespace"
        raise bad_fragment(message)
    # lxml removes a declaration if another prefix of the namespace is in scope.
    like.makeelement("_", nsmap=like.nsmap).append(builder.root)
    for prefix, namespace in builder.declared.items():
        if prefix and namespace in named and builder.root.nsmap.get(prefix) != namespace:
            message = (
                f"lxml does not keep the prefix of the namespace {short(namespace)} for a qualified name"
            )
            raise bad_fragment(message)


def exchange(parent: Tree, old: Tree, new: list[Tree]) -> None:
    """Replace one element by others, and keep the white space around it."""
    index = list(parent).index(old)
    before = parent.text if not index else parent[index - 1].tail
    space = before if (before or "").isspace() else None
    for element in new[:-1]:
        element.tail = space
    if new:
        new[-1].tail = old.tail
    elif old.tail:
        # Only a later block of a group is replaced by nothing, so there is an element before it.
        parent[index - 1].tail = (parent[index - 1].tail or "") + old.tail
    # lxml moves the tail together with its element.
    parent[index : index + 1] = new


def append(parent: Tree, new: list[Tree]) -> None:
    """Append elements, indented like the first child."""
    for element in new:
        if len(parent) and (parent.text or "").isspace():
            last = parent[-1]
            last.tail, element.tail = parent.text, last.tail
        parent.append(element)


class _Builder(Walker):
    """Makes elements with `makeelement`, which ElementTree and lxml both have."""

    __slots__ = ("_like", "_made", "declared", "root")

    def __init__(self, xml: bytes, like: Tree) -> None:
        super().__init__(xml, Namespaces(NO_LIMITS, prefixes_in(like)))
        self._like = like
        # The made elements that are still open.
        self._made: list[Tree] = []
        self.root: Tree = None
        # Prefix -> namespace on the root.
        self.declared: Mapping[str, str] = {}
        self.expat.CharacterDataHandler = self._text

    def start_element(self, element: RawElement) -> None:
        values = {clark(namespace, local): value for namespace, local, value, _ in element.attributes}
        if hasattr(self._like, "nsmap"):
            declared = element.declared or {}
            nsmap = {prefix or None: bound for prefix, bound in declared.items() if bound}
            try:
                made = self._like.makeelement(element.qname, values, nsmap)
            except ValueError:
                # A namespace that is no ASCII URI, for example.
                message = f"lxml does not accept a name or a namespace on {short(element.name)}"
                raise bad_fragment(message) from None
        else:
            made = self._like.makeelement(element.qname, values)
        if self._made:
            self._made[-1].append(made)
        else:
            self.root, self.declared = made, element.declared or {}
        self._made.append(made)

    def end_element(self, _element: RawElement) -> None:
        self._made.pop()

    def _text(self, data: str) -> None:
        parent = self._made[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data
