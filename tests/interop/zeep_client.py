"""A zeep client of Discover and Execute."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.loopback import SECONDS
from xmla_headers import XMLA_NS

from .wsdl import WSDL

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["zeep_client"]


@contextmanager
def zeep_client(url: str, *plugins: Any, timeout: float = SECONDS) -> Iterator[Any]:
    """Return the service of a client that posts to an address."""
    import requests
    import zeep

    with requests.Session() as session:
        session.trust_env = False
        transport = zeep.Transport(session=session, timeout=timeout, operation_timeout=timeout)
        settings = zeep.Settings(forbid_dtd=True)
        client = zeep.Client(str(WSDL), transport=transport, plugins=plugins, settings=settings)
        yield client.create_service(f"{{{XMLA_NS}}}Binding", url)
