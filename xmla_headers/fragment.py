"""Fragment: XML content with the prefixes in scope around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from ._checks import bad_fragment, check_text, wrong_type
from ._immutable import MadeByConstructor, ReadOnly, shown_half_made
from ._xml.fragments import check_fragment, read_fragment
from ._xml.names import is_ncname
from ._xml.namespaces import NamespaceError, check_declaration
from ._xml.prefixes import Scope, declarations
from ._xml.raw import NO_NAMESPACES
from ._xml.reader import read
from .findings import Code, error_for, value_finding
from .soap import NO_LIMITS, Limits

if TYPE_CHECKING:
    from ._xml.raw import RawElement

__all__ = ["Fragment"]


class _Cut(MadeByConstructor):
    """The place of a Fragment, which is not a field."""

    __slots__ = ("_place",)

    # A message, and the offsets in it where the content begins and ends.
    _place: tuple[bytes, int, int]


@shown_half_made
@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class Fragment(_Cut):
    """XML content: any number of elements and text, with the prefixes in scope around it.

    The content of a Body is one. A Fragment that decode cuts from a message refers to the bytes of the
    caller and copies nothing until `xml` is read. It is a dataclass, and fits a field of a pydantic model.

    Args:
        xml: The content, in UTF-8.
        namespaces: Prefix -> namespace in scope around the content; the default namespace has the prefix "".

    Raises:
        EncodeError: `bad-fragment`: the content is not well-formed by XML 1.0 and Namespaces in XML, or has a
            DOCTYPE or a processing instruction; `unencodable-text`: a prefix or namespace cannot be written.
        TypeError: An argument has the wrong type.

    >>> Fragment(b"<p:a/>", {"p": "urn:p"}).standalone()
    b'<p:a xmlns:p="urn:p"/>'
    """

    xml: bytes = b""
    """The content, in UTF-8 whatever the encoding of the message was."""
    namespaces: Mapping[str, str] = NO_NAMESPACES
    """Prefix -> namespace in scope around the content. Read-only."""

    def __init__(self, xml: bytes = b"", namespaces: Mapping[str, str] = NO_NAMESPACES) -> None:
        if not isinstance(xml, bytes):
            raise wrong_type("xml", "bytes", xml)
        scope = _checked_namespaces(namespaces)
        if xml:
            fatal = check_fragment(xml, scope)
            if fatal is not None:
                raise bad_fragment(f"{fatal.message}, at byte {fatal.offset}")
        _set_place(self, (xml, 0, len(xml)))
        _set_xml(self, xml)
        _set_namespaces(self, ReadOnly(scope) if scope else NO_NAMESPACES)

    @classmethod
    def _cut(cls, source: bytes, start: int, end: int, namespaces: Mapping[str, str]) -> Fragment:
        """Return a part of a message that decode has checked; nobody changes the namespaces."""
        fragment = object.__new__(cls)
        _set_place(fragment, (source, start, end))
        _set_namespaces(fragment, namespaces)
        return fragment

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> bytes:
            """Cut the content out of the message when it is asked for first."""
            if name != "xml":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            source, start, end = self._place
            xml = source[start:end]
            _set_xml(self, xml)
            return xml

    @property
    def view(self) -> bytes | memoryview:
        """The content, in UTF-8; a view of the message if the content is long."""
        source, start, end = self._place
        return source[start:end] if end - start <= _SHORT else memoryview(source)[start:end]

    def _has(self, word: bytes) -> bool:
        """Whether the content has a word. `bytes.find` takes a tenth of the time of a regular expression."""
        source, start, end = self._place
        return source.find(word, start, end) >= 0

    def __len__(self) -> int:
        """Return the length of `xml` in bytes."""
        _, start, end = self._place
        return end - start

    def __bool__(self) -> bool:
        """Return whether there is any content."""
        return len(self) > 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write, the content as text.

        It is data, not a message for people: a session id in the content is not masked.

        Returns:
            "xml" -> text; "namespaces" -> prefix -> namespace.

        >>> Fragment(b"<p:a/>", {"p": "urn:p"}).to_dict()
        {'xml': '<p:a/>', 'namespaces': {'p': 'urn:p'}}
        """
        return {"xml": self.xml.decode(), "namespaces": dict(self.namespaces)}

    def used_namespaces(self) -> dict[str, str]:
        """Return the bindings of the prefixes that occur in the content.

        A prefix occurs if the bytes `prefix:` stand anywhere, since a value may use it, too. The default
        namespace always counts.

        Returns:
            Prefix -> namespace.

        >>> Fragment(b"<p:a/>", {"p": "urn:p", "q": "urn:q"}).used_namespaces()
        {'p': 'urn:p'}
        """
        return dict(Scope(self.namespaces).missing(self.xml))

    def standalone(self) -> bytes:
        """Return the content as a document: with the declarations of the prefixes around it.

        Returns:
            One element, in UTF-8.

        Raises:
            EncodeError: `bad-fragment`: there is not exactly one element, or there is text beside it.
            DecodeError: `not-well-formed`: the content breaks Namespaces in XML, which decode checks in a
                Body with `deep` only.

        >>> Fragment(b"<p:a/>", {"p": "urn:p"}).standalone()
        b'<p:a xmlns:p="urn:p"/>'
        """
        elements = self._read(NO_LIMITS)
        if len(elements) != 1:
            raise bad_fragment(f"one element can stand alone, and there are {len(elements)}")
        xml, (element,) = self.xml, elements
        after_name = element.start + 1 + len(element.name.encode())
        missing = Scope(self.namespaces).missing(xml, element.declared or ())
        xml = xml[:after_name] + declarations(missing).encode() + xml[after_name:]
        fatal = read(xml, encoding="utf-8").fatal
        if fatal is not None:
            raise bad_fragment(f"there is more than one element: {fatal.message}")
        return xml

    def elements(self) -> list[Element]:
        """Return the elements of the content as ElementTree elements.

        A tree copies every namespace name, so Namespaces in XML and the default Limits are checked first.

        Returns:
            The elements directly in the content. Text beside them is left out.

        Raises:
            DecodeError: `not-well-formed` or `limit-exceeded`.
            EncodeError: `bad-fragment`: only ElementTree refuses the content.

        >>> [element.tag for element in Fragment(b"<a/><b/>").elements()]
        ['a', 'b']
        """
        from defusedxml import ElementTree  # noqa: PLC0415 - an import that decode does not need

        self._read(_TREE_LIMITS)
        scope = declarations(self.namespaces.items()).encode()
        try:
            root = ElementTree.fromstring(b"<_%b>%b</_>" % (scope, self.xml), forbid_dtd=True)
        except (ElementTree.ParseError, ValueError) as error:
            # ElementTree refuses "}" in a namespace name, which XML does not.
            raise bad_fragment(f"ElementTree cannot hold the fragment: {error}") from error
        return list(root)

    def _read(self, limits: Limits) -> list[RawElement]:
        elements, fatal = read_fragment(self.xml, self.namespaces, limits)
        if fatal is not None:
            message = f"{fatal.message}, at byte {fatal.offset} of the fragment"
            hint = None if fatal.code is Code.LIMIT_EXCEEDED else fatal.hint
            raise error_for(value_finding(fatal.code, message, hint))
        return elements

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fragment):
            return NotImplemented
        return self.xml == other.xml and self.used_namespaces() == other.used_namespaces()

    def __hash__(self) -> int:
        return hash(self.xml)

    def __repr__(self) -> str:
        return f"Fragment(<{len(self)} bytes>)"

    def __reduce__(self) -> tuple[object, ...]:
        # Its own bytes only, not the message that it was cut from.
        return _restore_fragment, (self.xml, dict(self.namespaces))


# Bytes: shorter content is copied faster than it is referred to.
_SHORT = 16_384

# The limits of a message, without those of a head, which a fragment does not have.
_TREE_LIMITS = Limits(max_header_bytes=None, max_header_blocks=None)


# Faster than object.__setattr__: decode makes a Fragment for each message.
_set_place = vars(_Cut)["_place"].__set__
_set_xml, _set_namespaces = (vars(Fragment)[name].__set__ for name in ("xml", "namespaces"))


def _restore_fragment(xml: bytes, namespaces: dict[str, str]) -> Fragment:
    return Fragment._cut(xml, 0, len(xml), ReadOnly(namespaces))


def _checked_namespaces(namespaces: object) -> dict[str, str]:
    if namespaces is NO_NAMESPACES:
        return {}
    if not isinstance(namespaces, Mapping):
        raise wrong_type("namespaces", "a mapping of prefix to namespace", namespaces)
    for prefix, namespace in namespaces.items():
        check_text("a prefix", prefix)
        check_text("a namespace", namespace)
        if prefix and not is_ncname(prefix):
            raise bad_fragment("a prefix of the fragment is not a name")
        try:
            check_declaration(prefix, namespace)
        except NamespaceError as error:
            raise bad_fragment(str(error)) from None
    # Every document begins with `xml` declared, and the default namespace undeclared.
    return {prefix: name for prefix, name in namespaces.items() if name and prefix != "xml"}
