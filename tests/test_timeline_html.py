"""The page of a timeline: well-formed, safe, without secrets, and accessible."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn import CAPTURES, IDS, Capture, many, some, three
from xmla_headers import XMLA_NS, Envelope, Fault, Fragment, encode, strategies
from xmla_headers.captures import check_message, iter_messages
from xmla_headers.timeline import Outcome, Timeline
from xmla_headers.timeline._html import html
from xmla_headers.timeline._picture import _bar_text
from xmla_headers.timeline._style import STYLE
from xmla_headers.timeline._text import text_lines
from xmla_headers.timeline._words import GLYPHS
from xmla_headers.transcript import Transcript

CAPTURED = Path(__file__).resolve().parent / "data" / "captured"

# The elements and attributes of the page. None of them runs, loads or sends anything.
ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        """html head meta title style body a header h1 h2 p span main section ul ol li b i em code details
        summary div table thead tbody tr th td br""",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"[\w-]+",
        """lang charset http-equiv content name class id href style aria-label aria-hidden title
        scope open""",
    )
)


def page(capture: Capture, title: str = "capture.har", *, show_ids: bool = False) -> str:
    return html(capture.timeline(), title=title, show_ids=show_ids)


def tree(text: str) -> ET.Element:
    """The page as XML."""
    start = "<!DOCTYPE html>\n"
    assert text.startswith(start)
    return ET.fromstring(text.removeprefix(start))


class Walker(HTMLParser):
    """Reads the page as a browser does."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.VOID
        self.elements.append((tag, dict(attrs)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in self.VOID
        assert len(dict(attrs)) == len(attrs)
        self.open.append(tag)
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def check(text: str) -> Walker:
    """Check what every page must fulfil, and return the parsed page."""
    walker = Walker(text)
    assert walker.elements == [(element.tag, element.attrib) for element in tree(text).iter()]
    assert {tag for tag, _ in walker.elements} <= ELEMENTS
    assert {name for _, attributes in walker.elements for name in attributes} <= ATTRIBUTES
    ids = [attributes["id"] for _, attributes in walker.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in walker.elements:
        href = attributes.get("href")
        assert href is None or href.removeprefix("#") in ids
        assert re.fullmatch(r"[-a-z:;0-9.%]*", attributes.get("style") or "")
    return walker


# -- well-formed -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("show_ids", [False, True])
def test_page_is_well_formed_and_links_resolve(name: str, show_ids: bool) -> None:  # noqa: FBT001
    capture = CAPTURES[name]()
    timeline = capture.timeline()
    walker = check(html(timeline, title=name, show_ids=show_ids))
    ids = {attributes.get("id") for _, attributes in walker.elements}
    for lane in timeline.lanes:
        for exchange in lane.exchanges:
            assert {f"m{exchange.number}", f"x{exchange.number}"} <= ids


@pytest.mark.slow
def test_page_draws_each_mark_once() -> None:
    timeline = many().timeline()
    marks = [a for tag, a in check(html(timeline, title="")).elements if tag == "a" and "aria-label" in a]
    pictured = [mark for mark in marks if (mark.get("class") or "").startswith("m ")]
    count = sum(len(lane.exchanges) for lane in timeline.lanes)
    assert len([mark for mark in pictured if "id" in mark]) == count
    # The others are the ends of exchanges that continue in a later row.
    assert len(pictured) < count * 1.1


def test_page_draws_recordings() -> None:
    transcript, timeline = Transcript(), Timeline()
    for path in sorted(CAPTURED.glob("*.xml")):
        (message,) = iter_messages(path.read_bytes(), path.name)
        checked = check_message(replace(message, name=path.name))
        timeline.add(checked.without_body(), transcript.add(checked))
    timeline.close(transcript.close())
    text = html(timeline, title="captured")
    check(text)
    assert "42 messages" in text
    assert "No times in this capture" in text


def test_page_of_empty_capture_says_so() -> None:
    text = page(CAPTURES["none"]())
    assert "There is no message in this capture." in text
    assert "legend" not in text.partition("</style>")[2]


# -- safe --------------------------------------------------------------------------------------------

HOSTILE = [
    "</title><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' style='x",
    "</style><img src=http://example.com/x>",
    "--><!--",
    "]]>",
    "&amp;&#0;&lt",
    "javascript:alert(1)",
    "\x00\x08\x1b[31m\r\n",
    "\u202egnp.exe\u2066",
    "\ud800",
    "\ufffe\uffff",
    "a\u0301" * 300,
    "漢字" * 300,
    "x" * 2_000,
]

names = st.one_of(st.sampled_from(HOSTILE), st.text())


@given(names, names, names)
def test_page_escapes_names_of_capture(title: str, name: str, fault: str) -> None:
    capture = Capture()
    capture.use(IDS[0], name=name)
    capture.lose(IDS[0], name=f"{name}x", after=300)
    timeline = capture.timeline()
    mark = timeline.lanes[0].exchanges[0].marks[1]
    mark.method = mark.fault = mark.fault_text = fault
    finding = timeline.lanes[0].exchanges[1].findings[0]
    mark.findings = (replace(finding, message=name, hint=fault),)
    for show_ids in (False, True):
        walker = check(html(timeline, title=title, show_ids=show_ids))
        shown = "".join(walker.text) + "".join(a.get("aria-label") or "" for _, a in walker.elements)
        assert all(character.isprintable() or character == "\n" for character in shown)


def test_page_shortens_long_texts() -> None:
    capture = Capture()
    capture.use(IDS[0], name="x" * 60_000)
    assert len(page(capture)) < 20_000


def test_page_loads_nothing() -> None:
    text = page(some())
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in check(text).elements
    assert not re.search(
        r"(?i)https?:|//[a-z]|url\(|@import|src=|srcset|<script|<link|<base|expression", text
    )


# -- without secrets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["three", "some", "many"])
def test_page_shows_ids_only_if_asked(name: str) -> None:
    capture = CAPTURES[name]()
    capture.use(IDS[0], name=f"dump/{IDS[0]}")
    capture.fail(IDS[0], Fault(f"Client.{IDS[0]}", f"no such thing in {IDS[0]}"))
    ids = {lane.record.session_id for lane in capture.timeline().lanes if lane.record} - {None}
    assert IDS[0] in ids
    hidden, shown = page(capture, f"{IDS[0]}.har"), page(capture, f"{IDS[0]}.har", show_ids=True)
    for session_id in ids:
        assert session_id is not None
        assert session_id not in hidden
        assert session_id[5:] not in hidden
        assert session_id in shown
    assert "no such thing in &#x27;9F2C&#x27;… (36 characters)" in hidden
    assert f"no such thing in {IDS[0]}" in shown


@pytest.mark.parametrize("before", [300, 310, 318, 5_000])
def test_page_cut_text_shows_no_part_of_id(before: int) -> None:
    capture = Capture()
    capture.use(IDS[0], name=f"{'x' * (before // 4)}{IDS[0]}{'x' * before}")
    capture.fail(IDS[0], Fault("x" * before + IDS[0], ""))
    assert IDS[0][:8] not in page(capture)


def texts_of_lost_sessions(ids: list[str]) -> str:
    capture = Capture()
    for number, session_id in enumerate(ids):
        capture.begin(session_id, name=f"{number}{session_id}")
        capture.lose(session_id)
    walker = check(page(capture, "".join(ids)))
    return "\n".join([*walker.text, *(a.get("aria-label") or "" for _, a in walker.elements)])


@given(st.lists(strategies.session_ids(), min_size=1, max_size=4))
def test_page_hides_ids_of_every_kind(ids: list[str]) -> None:
    shown = texts_of_lost_sessions(ids)
    # Hypothesis draws words of our own modules too, and the page may use them.
    others = [chr(0x4E00 + number) * len(session_id) for number, session_id in enumerate(ids)]
    own_words = texts_of_lost_sessions(others)
    for session_id in ids:
        hidden = session_id.isprintable() and session_id not in own_words
        assert len(session_id) < 8 or not hidden or session_id not in shown


# -- accessible --------------------------------------------------------------------------------------


def test_page_states_loss_in_a_sentence() -> None:
    text = " ".join("".join(check(page(some())).text).split())
    assert (
        "Session 1, '9F2C'… (36 characters): begun in entries/0/request at 10:23:42, 7 requests, "
        "1 unusable message, lost in the/loss/response at 10:58:51, after 35 min idle"
    ) in text
    assert "2026-11-20 10:23:42 to 10:58:54 UTC, 35 min" in text


LOST_WORDS = "Session '9F2C'… (36 characters) cannot be found: it does not exist, or it has expired."


def test_page_mark_has_description() -> None:
    capture = some()
    lost = capture.timeline().lanes[0].lost
    assert lost is not None
    (mark,) = [a for _, a in check(page(capture)).elements if a.get("id") == f"m{lost.number}"]
    assert (mark["aria-label"] or "").splitlines() == [
        "Discover, session 1, '9F2C'… (36 characters): the session is lost",
        "request the/loss/request, Session, 10:58:51.623, 300 bytes",
        "answer the/loss/response, 10:58:51.635, HTTP 500, 548 bytes, after 12 ms",
        f"Fault XMLAnalysisError.0xc10c000a: {LOST_WORDS}",
        "the session had been idle for 35 min",
        "warning[session-lost]: the server does not know the session any more, 35 minutes after its last use",
        "hint: begin a new session, and repeat the request",
    ]


def test_page_mark_lists_few_findings() -> None:
    capture = Capture()
    capture.page(IDS[0])
    timeline = capture.timeline()
    mark = timeline.lanes[0].exchanges[0].marks[1]
    mark.findings *= 40
    assert "and 35 findings more" in html(timeline, title="")


def test_page_says_time_or_order() -> None:
    timed, untimed = page(some()), page(some().untimed())
    assert "Time runs from left to right" in timed
    assert "35 min idle" in timed
    assert "No times in this capture" in untimed
    assert "min idle" not in untimed


def test_page_outcomes_differ_without_colour() -> None:
    assert len(set(GLYPHS.values())) == len(Outcome)
    walker = check(page(some()))
    classes = {
        (a.get("class") or "").split()[1]
        for _, a in walker.elements
        if (a.get("class") or "").startswith("m ")
    }
    assert classes == {"answered", "fault", "lost", "unusable"}
    shown = "".join(walker.text)
    assert all(glyph in shown for outcome, glyph in GLYPHS.items() if outcome in classes)


def lost_among(sessions: int) -> Capture:
    """One session is lost, and the others end."""
    capture = Capture()
    ids = [f"session-{number}" for number in range(sessions)]
    for session_id in ids:
        capture.begin(session_id)
    for session_id in ids[:-1]:
        capture.end(session_id)
    capture.lose(ids[-1])
    return capture


def test_page_of_many_lanes_folds_those_without_trouble() -> None:
    told, fold, rest = page(lost_among(30)).partition("29 lanes without trouble")
    assert fold
    assert told.count("lost in") == 1
    assert told.count('class="lane session"') == 1
    assert "1 of 30 sessions was lost" in told
    assert rest.count('class="lane session"') >= 29
    # With few lanes, all are in one picture, those that went wrong first.
    few = page(lost_among(3))
    assert "without trouble" not in few
    assert few.index(">session 3<") < few.index(">session 1<") < few.index(">session 2<")


@pytest.mark.slow
def test_page_of_many_messages_has_summary_and_what_went_wrong() -> None:
    small, large = page(lost_among(600)), page(lost_among(6_000))
    assert "Traffic by time" not in small
    assert "Traffic by time" in large
    assert large.count('<div title="') == 60
    assert large.count("<tr") < 20
    assert large.count("ended in ") == 2_000
    assert "and 3,999 more" in large
    check(large)


def test_page_of_a_large_session_leaves_out_what_went_well() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    for number in range(3_000):
        capture.use(IDS[0], after=600 if number == 1_500 else 1)
        if number == 1_000:
            capture.fail(IDS[0], Fault("Server", "no"))
    capture.lose(IDS[0])
    text = page(capture)
    check(text)
    (left,) = re.findall(r"([0-9,]+) exchanges that went well left out", text)
    assert 2_900 < int(left.replace(",", "")) < 3_003
    assert text.count("a fault: Server: no") == 1
    # The sentence and the heading count all.
    assert "3,003 requests" in text
    assert "3,003 exchanges</span>" in text
    # The pause is known to the message after it, which is left out: no other message was idle.
    assert "9 min" not in text


def test_page_states_denial_and_revival_beside_a_good_end() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.lose(IDS[0])
    capture.use(IDS[0])
    capture.end(IDS[0])
    text = page(capture)
    assert re.search("denied in [0-9]/response at", text)
    assert re.search("accepted again in [0-9]/response at", text)
    assert re.search(r'class="end good"[^>]*>ended<', text)
    assert "✕ lost<" not in text
    assert "✕ lost" not in "".join(
        piece for line in text_lines(capture.timeline(), title="") for piece, _ in line
    )


def test_page_has_one_label_for_a_second() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    for _ in range(30):
        capture.use(IDS[0], after=0.2)
    labels = re.findall(r'class="tick"[^>]*>([^<]*)<', page(capture))
    assert len(set(labels)) == len(labels) > 3


def test_page_shortens_names_to_what_differs() -> None:
    text = page(three())
    assert "Names of messages begin with <code>entries/</code>" in text
    assert ">0/request<" in text
    assert text.count("entries/") == 1


def test_page_bar_has_whole_name_or_one_letter() -> None:
    capture = Capture()
    for method in ("Discover", "AuthenticateTheUserOfThisConnectionFirst"):
        capture.plain(method)
    names = re.findall(r'class="m [^>]*><b>([^<]*)</b>', page(capture))
    # The first one is in the legend.
    assert names[-2:] == ["Discover", "A"]
    # The rest of a bar in the next row may be too narrow for a letter.
    (exchange,) = capture.timeline().lanes[0].exchanges[:1]
    assert [_bar_text(exchange, width) for width in (4, 10, 12, 90)] == ["", "", "D", "Discover"]


def test_page_has_faults_and_errors_inside_answers() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    exception = "urn:schemas-microsoft-com:xml-analysis:exception"
    inline = (
        f'<ExecuteResponse xmlns="{XMLA_NS}"><return><root xmlns="{XMLA_NS}:rowset">'
        f'<Messages xmlns="{exception}">'
        f'<Error ErrorCode="3238658057" Description="no rows for {IDS[0]}"/></Messages></root></return>'
        "</ExecuteResponse>"
    )
    capture.use(IDS[0])
    body = encode(Envelope(body=Fragment(inline.encode())))
    capture.messages[-1] = replace(capture.messages[-1], body=body)
    text = page(capture)
    masked = "&#x27;9F2C&#x27;… (36 characters)"
    assert f"Error 3238658057: no rows for {masked}" in text
    assert "3238658057 (inside an answer)" in text
    assert ">1 answer with an Error</a>" in text
    assert f"no rows for {IDS[0]}" in page(capture, show_ids=True)


def test_timeline_shows_chosen_sessions_alone() -> None:
    timeline = some().timeline()
    timeline.show([1])
    text = html(timeline, title="a.har")
    check(text)
    assert [lane.record.number for lane in timeline.lanes if lane.record] == [1]
    assert "Session 2" not in text
    assert "1 of 1 session was lost" in text


def test_timeline_shows_chosen_sessions_under_the_verdict_of_all() -> None:
    timeline = some().timeline()
    assert "<h2>Faults" in html(timeline, title="a.har")
    timeline.show([1], [1, 2, 3])
    text = html(timeline, title="a.har")
    assert [lane.record.number for lane in timeline.lanes if lane.record] == [1]
    assert "1 of 3 sessions was lost" in text
    assert "3 sessions <span class='dot'>·</span> 1 shown" in text
    # These are the faults of the whole capture.
    assert "<h2>Faults" not in text


def test_page_tells_three_diagnoses_of_a_cause() -> None:
    capture = Capture()
    for session_id in ("a", "b", "c", "d", "e"):
        capture.use(f"{session_id}-session")
        capture.lose(f"{session_id}-session")
    told, fold, rest = page(capture).partition("<summary>And 2 more of")
    assert fold
    assert told.count('class="evidence"') == 3
    assert rest.partition("</section>")[0].count('class="evidence"') == 2


def test_page_evidence_links_to_the_picture() -> None:
    (evidence,) = re.findall(r'class="evidence">(.*?)</span>', page(lost_among(3)))
    assert evidence == (
        'granted 10:23:44 in <a href="#m3">4/response</a>; denied 10:23:47 in <a href="#m6">10/response</a>'
    )


@pytest.mark.slow
@pytest.mark.parametrize(("count", "sessions"), [(500, 4), (500, 200)])
def test_page_size_is_linear_in_messages(count: int, sessions: int) -> None:
    small, large = page(many(count, sessions)), page(many(4 * count, 4 * sessions))
    assert len(large) < 4.4 * len(small)


# -- contrast ----------------------------------------------------------------------------------------


def palettes() -> dict[str, dict[str, str]]:
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in STYLE.split("@media")[:2]
    )
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXTS = [
    *(
        (ink, paper)
        for ink in ("ink", "soft", "link", "error", "warning", "good")
        for paper in ("page", "sheet")
    ),
    *((f"{kind}-ink", kind) for kind in ("ok", "fault", "lost", "bad")),
    ("soft", "gap"),
    ("page", "ink"),
]
EDGES = [*((f"{kind}-edge", "sheet") for kind in ("ok", "fault", "lost", "bad")), ("line", "sheet")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_colours_have_contrast(scheme: str) -> None:
    palette = palettes()[scheme]
    # WCAG 2.2, 1.4.3 and 1.4.11.
    for pairs, least in ((TEXTS, 4.5), (EDGES, 2.9)):
        for one, other in pairs:
            assert contrast(palette[one], palette[other]) >= least, (one, other)


def test_page_schemes_define_the_same_colours() -> None:
    light, dark = palettes()["light"], palettes()["dark"]
    assert light.keys() == dark.keys()
    assert set(re.findall(r"var\(--([a-z-]+)\)", STYLE)) - {"who", "x"} <= light.keys()
