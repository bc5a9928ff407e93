"""Bodies of Discover and Execute that servers accept.

Both methods have Properties, and a Discover has Restrictions too. Servers reject a
method without them, so they are written even if they are empty.
"""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Literal

from xmla_headers import XMLA_NS, Fragment

__all__ = ["NOTHING", "Method", "discover", "execute"]

Method = Literal["Discover", "Execute"]

_NONE: Mapping[str, str] = MappingProxyType({})


def discover(
    request_type: str,
    restrictions: Mapping[str, str] = _NONE,
    properties: Mapping[str, str] = _NONE,
) -> Fragment:
    """Return the Body of a Discover.

    >>> (method,) = discover("MDSCHEMA_CUBES", {"CATALOG_NAME": "FoodMart"}).elements()
    >>> [element.text for element in method.iter() if element.text]
    ['MDSCHEMA_CUBES', 'FoodMart']
    """
    return Fragment(
        f"<Discover xmlns='{XMLA_NS}'>"
        f"<RequestType>{_text(request_type)}</RequestType>"
        f"<Restrictions>{_list('RestrictionList', restrictions)}</Restrictions>"
        f"<Properties>{_list('PropertyList', properties)}</Properties>"
        "</Discover>".encode()
    )


def execute(statement: str, properties: Mapping[str, str] = _NONE) -> Fragment:
    """Return the Body of an Execute.

    >>> (method,) = execute("SELECT FROM [Sales]", {"Catalog": "FoodMart"}).elements()
    >>> [element.text for element in method.iter() if element.text]
    ['SELECT FROM [Sales]', 'FoodMart']
    """
    return Fragment(
        f"<Execute xmlns='{XMLA_NS}'>"
        f"<Command><Statement>{_text(statement)}</Statement></Command>"
        f"<Properties>{_list('PropertyList', properties)}</Properties>"
        "</Execute>".encode()
    )


def _list(name: str, values: Mapping[str, str]) -> str:
    items = [f"<{key}>{_text(value)}</{key}>" for key, value in values.items()]
    return f"<{name}>{''.join(items)}</{name}>"


def _text(value: str) -> str:
    return escape(value, quote=False)


NOTHING = execute("")
"""The empty Statement that Excel, Power BI and others send with EndSession."""
