"""The comparison of a redacted capture with its original: every line, and every verdict."""

from __future__ import annotations

from xmla_headers.captures import Change, ChangeKind
from xmla_headers.cli._verified import difference

from .capture_files import BEGIN, Exchange, lost, message, session, stream
from .each import each

ID = "5DFD4D06-12AB-4C22-9E0B-BC0F2C7A0C8E"
LINES = "<Execute>\n<a/>\r\n</Execute>"
CHANGES = [Change("request/0", ChangeKind.CREDENTIAL, "Password", 1)]


def http(body: bytes, granted: str = ID) -> bytes:
    return stream([Exchange(message(BEGIN), message(session(granted))), Exchange(body, message(session(ID)))])


BEFORE = http(message(session(ID), LINES))


@each(
    ("after", "said"),
    [
        (BEFORE, None),
        (http(message(session(ID), LINES.replace("\r\n", ""))), "the lines of message 3 would change"),
        (http(message(session(ID), LINES.replace("\r\n", "\n"))), "the lines of message 3 would change"),
        (http(message(session(ID), LINES.replace("<a/>", ""))), None),
        (BEFORE.replace(b"HTTP/1.1 200", b"HTTP/1.1 500", 1), "the place of message 2 would change"),
        (BEFORE + BEFORE, "the number of messages would change, at message 5"),
        (http(message(session(ID.lower()), LINES)), "the session of message 3 would change"),
        (http(message(session(ID), LINES.replace("</Execute>", "\n")[:-1])), "the findings of message 3"),
    ],
)
def test_difference_names_what_would_change(after: bytes, said: str | None) -> None:
    found = difference(BEFORE, after, CHANGES)
    assert found == said or (said is not None and found is not None and found.startswith(said))


def test_difference_tells_what_only_the_end_shows() -> None:
    def killed(named: str) -> bytes:
        cancel = (
            '<Execute xmlns="urn:schemas-microsoft-com:xml-analysis"><Command><Cancel'
            ' xmlns="http://schemas.microsoft.com/analysisservices/2003/engine"><SessionID>%s</SessionID></Cancel>'
            "</Command><Properties/></Execute>"
        )
        return stream(
            [
                Exchange(message(BEGIN), message(session(ID))),
                Exchange(message(body=cancel % named), message()),
                Exchange(message(session(ID)), lost(ID)),
            ]
        )

    assert difference(killed(ID), killed(ID), CHANGES) is None
    # Each message alone says the same, but nobody has cancelled the session that is lost.
    assert difference(killed(ID), killed(ID[::-1]), CHANGES) == "what check finds at the end would change"
