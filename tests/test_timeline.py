"""The model and the layout of a timeline: lanes, exchanges, idle times, rows."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn import CAPTURES, IDS, Capture, many, message, some
from xmla_headers import Direction, Fault, Session, strategies
from xmla_headers.captures import CapturedMessage, check_message
from xmla_headers.model import mask
from xmla_headers.timeline import Exchange, LaneKind, Outcome, Timeline
from xmla_headers.timeline._layout import Layout, Metrics, lay_out, life_line, row_of
from xmla_headers.timeline._words import Words, duration_text, groups
from xmla_headers.transcript import Placement, Transcript


def names(exchanges: list[Exchange]) -> list[str]:
    return [exchange.first.name for exchange in exchanges]


def sentence(timeline: Timeline, index: int, *, show_ids: bool = False) -> str:
    words, lane = Words(timeline, show_ids=show_ids), timeline.lanes[index]
    return f"{words.label(lane)}: {', '.join(fact.text for fact in words.facts(lane))}"


# -- lanes and exchanges -----------------------------------------------------------------------------


def test_timeline_lanes_are_sessions_and_two_others() -> None:
    lanes = some().timeline().lanes
    assert [lane.kind for lane in lanes] == [LaneKind.SESSION] * 3 + [LaneKind.IMPLICIT, LaneKind.UNPLACED]
    assert [lane.record.number for lane in lanes if lane.record is not None] == [1, 2, 3]
    assert [len(lane.exchanges) for lane in lanes] == [7, 3, 3, 2, 2]


@pytest.mark.slow
def test_timeline_message_is_in_one_lane() -> None:
    for make in CAPTURES.values():
        capture = make()
        timeline = capture.timeline()
        marks = [mark for lane in timeline.lanes for each in lane.exchanges for mark in each.marks]
        assert sorted(mark.number for mark in marks) == list(range(1, len(capture.messages) + 1))
        assert timeline.messages == len(capture.messages)
        numbers = sorted(each.number for lane in timeline.lanes for each in lane.exchanges)
        assert numbers == list(range(1, len(numbers) + 1))


def test_exchange_joins_request_and_answer() -> None:
    capture = Capture()
    capture.use(IDS[0], "Execute", took=3.4)
    (exchange,) = capture.timeline().lanes[0].exchanges
    assert [mark.name for mark in exchange.marks] == ["entries/0/request", "entries/0/response"]
    assert (exchange.label, exchange.duration, exchange.status) == ("Execute", timedelta(seconds=3.4), 200)
    assert exchange.request is not None
    assert exchange.request.block == "Session"


def test_exchange_overlapping_requests_find_answers() -> None:
    capture = Capture()
    capture.use(IDS[0], "First")
    capture.use(IDS[0], "Second")
    first, answer, second, other = capture.messages
    capture.messages = [first, second, other, answer]
    exchanges = capture.timeline().lanes[0].exchanges
    assert [[mark.method for mark in each.marks] for each in exchanges] == [
        ["First", "FirstResponse"],
        ["Second", "SecondResponse"],
    ]


def test_exchange_with_wrong_clock_has_no_negative_duration() -> None:
    capture = Capture()
    capture.use(IDS[0], took=-5)
    (exchange,) = capture.timeline().lanes[0].exchanges
    assert exchange.duration == timedelta()


OUTCOMES = {
    "use": (Outcome.ANSWERED, LaneKind.SESSION),
    "plain": (Outcome.ANSWERED, LaneKind.IMPLICIT),
    "lose": (Outcome.LOST, LaneKind.SESSION),
    "page": (Outcome.UNUSABLE, LaneKind.SESSION),
    "unanswered": (Outcome.UNANSWERED, LaneKind.SESSION),
    # A request that the rules refuse does not say which session it belongs to.
    "misspelled": (Outcome.ANSWERED, LaneKind.UNPLACED),
    "broken": (Outcome.UNUSABLE, LaneKind.UNPLACED),
}


@pytest.mark.parametrize("call", OUTCOMES)
def test_exchange_outcome_follows_response(call: str) -> None:
    capture = Capture()
    getattr(capture, call)(*([] if call in ("plain", "broken") else [IDS[0]]))
    (lane,) = capture.timeline().lanes
    (exchange,) = lane.exchanges
    assert (exchange.outcome, lane.kind) == OUTCOMES[call]


def test_exchange_fault_differs_from_loss() -> None:
    capture = Capture()
    capture.fail(IDS[0], Fault("Server", "no"))
    (exchange,) = capture.timeline().lanes[0].exchanges
    assert exchange.outcome is Outcome.FAULT
    assert exchange.response is not None
    assert exchange.response.fault == "Server"


def test_timeline_ambiguous_request_is_unplaced() -> None:
    capture = Capture()
    capture.exchange(message(Session(IDS[0])).replace(b"<Session ", b"<BeginSession xmlns='urn:schemas-microsoft-com:xml-analysis'/><Session "), None)  # fmt: skip  # noqa: E501
    (lane,) = capture.timeline().lanes
    assert lane.kind is LaneKind.UNPLACED
    assert [str(finding.code) for _, _, finding in lane.findings] == ["ambiguous-session-headers"]


def test_timeline_answer_without_request_is_placed() -> None:
    capture = Capture()
    capture.use(IDS[0])
    capture.exchange(None, message(method="DiscoverResponse"))
    lane = capture.timeline().lanes[-1]
    (exchange,) = lane.exchanges
    assert lane.kind is LaneKind.UNPLACED
    assert exchange.request is None
    assert exchange.label == "DiscoverResponse"
    assert [str(finding.code) for finding in exchange.findings] == ["response-without-request"]


def test_timeline_close_attaches_findings_to_messages() -> None:
    lanes = Capture.timeline(CAPTURES["three"]()).lanes
    found = [(mark.name, str(finding.code)) for mark, _, finding in lanes[0].findings]
    assert found == [
        ("entries/0/request", "session-never-ended"),
        ("entries/2/request", "request-without-response"),
    ]


def test_groups_equal_findings_are_one() -> None:
    capture = Capture()
    for _ in range(3):
        capture.page(IDS[0])
    ((finding, places),) = groups(capture.timeline().lanes[0])
    assert str(finding.code) == "request-without-response"
    assert [mark.name for mark, _ in places] == [f"entries/{number}/response" for number in (0, 2, 4)]


def test_timeline_keeps_no_body() -> None:
    body = message(Session(IDS[0]))
    transcript, timeline, count = Transcript(), Timeline(), 50
    tracemalloc.start()
    for number in range(count):
        large = body.replace(b"<Discover ", b"<Discover xmlns:a='%s' " % (b"x" * 4_000))
        captured = CapturedMessage(f"{number}", large, Direction.REQUEST, exchange=f"{number}")
        checked = check_message(captured)
        timeline.add(checked, transcript.add(checked))
    del checked, captured, large
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < count * 4_000
    assert timeline.messages == count


@pytest.mark.parametrize("bodies", [True, False])
def test_timeline_with_and_without_bodies_is_equal(bodies: bool) -> None:  # noqa: FBT001
    timeline = some().timeline(bodies=bodies)
    assert sentence(timeline, 0).endswith("lost in the/loss/response at 10:58:51, after 35 min idle")


def test_timeline_wrong_type_raises_type_error() -> None:
    checked = check_message(CapturedMessage("", message()))
    with pytest.raises(TypeError, match="checked must be CheckedMessage, not bytes"):
        Timeline().add(b"", Placement(None, None))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="placement must be Placement, not NoneType"):
        Timeline().add(checked, None)  # type: ignore[arg-type]


# -- words -------------------------------------------------------------------------------------------


def test_facts_state_result_of_each_session() -> None:
    timeline = some().timeline()
    said = {
        "session 1, '9F2C'… (36 characters)": "begun in entries/0/request at 10:23:42,"
        " 7 requests, 1 unusable message, lost in the/loss/response at 10:58:51, after 35 min idle",
        "session 2, 'B41D'… (36 characters)": "begun in entries/10/request at 10:23:46,"
        " 3 requests, 1 fault, not ended in this capture",
        "session 3, 'C0FF'… (36 characters)": "begun in entries/23/request at 10:57:11,"
        " 3 requests, ended in entries/31/request at 10:58:54",
        "implicit sessions": "2 requests",
        "unassigned": "3 messages, 2 of them refused or unreadable",
    }
    assert [sentence(timeline, index) for index in range(5)] == [": ".join(each) for each in said.items()]
    facts = Words(timeline, show_ids=False).counts()
    assert ", ".join(fact.text for fact in facts) == (
        "33 messages, 3 sessions, 1 left open, 2 errors, 4 warnings"
    )


def test_facts_of_older_session_say_so() -> None:
    capture = Capture()
    capture.use(IDS[0])
    assert sentence(capture.timeline(), 0) == (
        "session 1, '9F2C'… (36 characters): older than the capture, 1 request, not ended in this capture"
    )


def test_facts_of_session_never_granted_say_so() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.messages[1] = replace(capture.messages[1], body=message(fault=Fault("Server", "no")), status=500)
    assert sentence(capture.timeline(), 0) == (
        "session 1, without an id: begun in request at 10:23:42, 1 request, 1 fault, never granted"
    )


def test_lane_shortened_keeps_the_turns_of_a_session() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    for _ in range(30):
        capture.fail(IDS[0], Fault("Server", "no"))
    capture.lose(IDS[0])
    for _ in range(30):
        capture.use(IDS[0])
    (lane,) = capture.timeline().lanes
    short = lane.shortened(14)
    assert (len(short.exchanges), short.left_out) == (14, 48)
    assert short.lost is lane.lost is not None
    assert short.revived is lane.revived is not None


def test_idle_time_ignores_other_sessions() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.use(IDS[0], took=2.0)
    for _ in range(60):
        capture.use(IDS[1], after=30)
    capture.lose(IDS[0], after=32)
    (lane, _) = capture.timeline().lanes
    assert lane.idle_before_loss == timedelta(minutes=30, seconds=30)


def test_idle_time_without_times_is_absent() -> None:
    timeline = some().untimed().timeline()
    assert timeline.lanes[0].idle_before_loss is None
    assert sentence(timeline, 0).endswith("lost in the/loss/response")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (0.9996, "1.0 s"),
        (3.44, "3.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (101, "1 min 41 s"),
        (2_100, "35 min"),
        (7_500, "2 h 5 min"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (864_000_000, "10,000 d"),
    ],
)
def test_duration_text_uses_at_most_two_units(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    "time",
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1, 1, 1, 3, tzinfo=UTC)],
)
def test_words_time_at_end_of_calendar_is_shown(time: datetime) -> None:
    capture = Capture(datetime.fromisoformat("0001-01-02T00:00:00+14:00"))
    capture.use(IDS[0])
    capture.messages[1] = replace(capture.messages[1], time=time)
    words = Words(capture.timeline(), show_ids=False)
    assert words.exact_time(time).count(":") == 2
    assert words.span()


@given(st.lists(strategies.session_ids(), min_size=1, max_size=5))
def test_masked_text_shows_no_id_of_capture(ids: list[str]) -> None:
    capture = Capture()
    for session_id in ids:
        capture.use(session_id)
    timeline = capture.timeline()
    for session_id in ids:
        # The characters around the ids occur in no id.
        shown = mask(session_id) if len(session_id) > 4 else session_id
        assert timeline.masked(f"\0{session_id}\0") == f"\0{shown}\0"


def test_words_long_text_is_shortened_and_escaped() -> None:
    words = Words(some().timeline(), show_ids=False)
    assert words.text("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\u202eb\\n"
    assert words.text("x" * 100_000) == f"{'x' * 80}…{'x' * 80}"
    assert words.text(f"raw/{IDS[0]}.xml") == "raw/'9F2C'… (36 characters).xml"


# -- layout ------------------------------------------------------------------------------------------

METRICS = Metrics(width=200, pitch=10, bar=8, gap=50)


def places(layout: Layout) -> dict[int, tuple[float, float]]:
    return {place.exchange.number: (place.start, place.end) for lane in layout.places for place in lane}


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    capture = Capture()
    for _ in range(draw(st.integers(1, 25))):
        session_id = draw(st.sampled_from(IDS))
        after = draw(st.one_of(st.just(0.0), st.floats(0, 5), st.floats(0, 1e6)))
        took = draw(st.one_of(st.just(0.0), st.floats(-1, 5), st.floats(0, 1e4)))
        match draw(st.integers(0, 5)):
            case 0:
                capture.unanswered(session_id, after=after)
            case 1:
                capture.plain(after=after)
            case 2:
                capture.broken()
            case _:
                capture.use(session_id, after=after, took=took)
    return draw(st.sampled_from([capture, capture.untimed()]))


@given(captures())
def test_layout_every_exchange_is_in_a_row(capture: Capture) -> None:
    timeline = capture.timeline()
    layout = lay_out(timeline.lanes, METRICS)
    rows, found = layout.rows, places(layout)
    assert len(found) == sum(len(lane.exchanges) for lane in timeline.lanes)
    assert rows[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(rows))
    assert all(0 < row.end - row.start <= METRICS.width + 1e-6 for row in rows)
    stretch = 1 if len(rows) > 1 else 1e-6
    for start, end in found.values():
        row = rows[row_of(rows, start)]
        assert row.start <= start <= row.end - METRICS.bar * stretch + 1e-6
        assert end <= rows[row_of(rows, end)].end + 1e-6
        assert end - start >= METRICS.bar - 1e-6
    starts = sorted(start for start, _ in found.values())
    assert all(b - a >= METRICS.pitch - 1e-6 for a, b in pairwise(starts))


@given(captures())
def test_layout_later_exchange_is_further_right(capture: Capture) -> None:
    timeline = capture.timeline()
    layout = lay_out(timeline.lanes, METRICS)
    found = places(layout)
    points = []
    for lane in timeline.lanes:
        for exchange in lane.exchanges:
            if all(mark.time is not None for mark in exchange.marks):
                time = exchange.first.time
                points.append((time, found[exchange.number][0]))
    if layout.by_time:
        assert all(a[1] <= b[1] for a, b in pairwise(sorted(points)))


@given(captures())
def test_layout_exchanges_of_lane_do_not_overlap(capture: Capture) -> None:
    for lane in lay_out(capture.timeline().lanes, METRICS).places:
        for level in range(7):
            line = [place for place in lane if place.level == level]
            assert all(a.end <= b.start + 1e-6 for a, b in pairwise(line))


@given(captures())
def test_life_line_segments_are_contiguous(capture: Capture) -> None:
    timeline = capture.timeline()
    layout = lay_out(timeline.lanes, METRICS)
    for lane, line in zip(timeline.lanes, layout.places, strict=True):
        segments = life_line(lane, line)
        assert segments[0].start == line[0].start
        assert segments[-1].end == max(place.end for place in line)
        assert all(a.end == b.start for a, b in pairwise(segments))


def test_layout_quiet_stretch_becomes_gap() -> None:
    layout = lay_out(some().timeline().lanes, METRICS)
    assert layout.by_time
    (long, shorter) = [gap for gap in layout.gaps if gap.length > timedelta(seconds=90)]
    assert long.end - long.start <= METRICS.gap + METRICS.pitch
    assert (long.length // timedelta(minutes=1), shorter.length // timedelta(minutes=1)) == (33, 1)


def test_life_line_marks_idle_before_loss() -> None:
    timeline = some().timeline()
    layout = lay_out(timeline.lanes, METRICS)
    (rest,) = [each for each in life_line(timeline.lanes[0], layout.places[0]) if each.idle]
    assert rest.before_loss
    assert rest.idle == timeline.lanes[0].idle_before_loss


def test_life_line_marks_short_idle_before_loss() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.use(IDS[0], after=20)
    capture.lose(IDS[0], after=20)
    timeline = capture.timeline()
    (rest,) = [
        each for each in life_line(timeline.lanes[0], lay_out(timeline.lanes, METRICS).places[0]) if each.idle
    ]
    assert (rest.before_loss, rest.idle) == (True, timedelta(seconds=19.988))


def test_layout_with_few_times_is_by_order() -> None:
    messages = many(40).messages
    for every, by_time in ((2, False), (3, True)):
        some_timed = [
            replace(each, time=None) if number % every == 0 else each for number, each in enumerate(messages)
        ]
        assert lay_out(Capture(messages=some_timed).timeline().lanes, METRICS).by_time is by_time
    layout = lay_out(some().untimed().timeline().lanes, METRICS)
    assert (layout.by_time, layout.gaps, layout.ticks) == (False, [], [])


def test_layout_with_one_time_is_by_order() -> None:
    capture = many(40)
    time = datetime(2026, 11, 20, tzinfo=UTC)
    at_once = Capture(messages=[replace(each, time=time) for each in capture.messages])
    assert not lay_out(at_once.timeline().lanes, METRICS).by_time


@pytest.mark.parametrize("took", [-5, 0, 5])
@pytest.mark.parametrize("untimed", [False, True])
def test_layout_single_exchange_starts_at_left_edge(took: float, untimed: bool) -> None:  # noqa: FBT001
    capture = Capture()
    capture.use(IDS[0], took=took)
    layout = lay_out((capture.untimed() if untimed else capture).timeline().lanes, METRICS)
    ((start, end),) = places(layout).values()
    assert start == 0
    assert METRICS.bar < end <= METRICS.width


def test_layout_single_row_is_stretched() -> None:
    layout = lay_out(CAPTURES["three"]().timeline().lanes, METRICS)
    assert len(layout.rows) == 1
    assert max(end for _, end in places(layout).values()) > METRICS.width / 2
