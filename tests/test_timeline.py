"""The model of a timeline, and where it puts things: lanes, exchanges, idle times, rows."""

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


def test_has_a_lane_for_each_session_and_two_for_the_rest() -> None:
    lanes = some().timeline().lanes
    assert [lane.kind for lane in lanes] == [LaneKind.SESSION] * 3 + [LaneKind.IMPLICIT, LaneKind.UNPLACED]
    assert [lane.record.number for lane in lanes if lane.record is not None] == [1, 2, 3]
    assert [len(lane.exchanges) for lane in lanes] == [7, 3, 3, 2, 2]


def test_puts_every_message_into_one_lane() -> None:
    for make in CAPTURES.values():
        capture = make()
        timeline = capture.timeline()
        marks = [mark for lane in timeline.lanes for each in lane.exchanges for mark in each.marks]
        assert sorted(mark.number for mark in marks) == list(range(1, len(capture.messages) + 1))
        assert timeline.messages == len(capture.messages)
        numbers = sorted(each.number for lane in timeline.lanes for each in lane.exchanges)
        assert numbers == list(range(1, len(numbers) + 1))


def test_joins_a_request_and_its_answer() -> None:
    capture = Capture()
    capture.use(IDS[0], "Execute", took=3.4)
    (exchange,) = capture.timeline().lanes[0].exchanges
    assert [mark.name for mark in exchange.marks] == ["entries/0/request", "entries/0/response"]
    assert (exchange.label, exchange.duration, exchange.status) == ("Execute", timedelta(seconds=3.4), 200)
    assert exchange.request is not None
    assert exchange.request.block == "Session"


def test_joins_those_that_overlap() -> None:
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


def test_takes_no_less_than_nothing_where_clocks_differ() -> None:
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
    # Which session it is in, a request that the rules refuse does not say.
    "misspelled": (Outcome.ANSWERED, LaneKind.UNPLACED),
    "broken": (Outcome.UNUSABLE, LaneKind.UNPLACED),
}


@pytest.mark.parametrize("call", OUTCOMES)
def test_tells_what_became_of_a_request(call: str) -> None:
    capture = Capture()
    getattr(capture, call)(*([] if call in ("plain", "broken") else [IDS[0]]))
    (lane,) = capture.timeline().lanes
    (exchange,) = lane.exchanges
    assert (exchange.outcome, lane.kind) == OUTCOMES[call]


def test_tells_a_fault_from_a_loss() -> None:
    capture = Capture()
    capture.fail(IDS[0], Fault("Server", "no"))
    (exchange,) = capture.timeline().lanes[0].exchanges
    assert exchange.outcome is Outcome.FAULT
    assert exchange.response is not None
    assert exchange.response.fault == "Server"


def test_places_nothing_that_names_two_sessions() -> None:
    capture = Capture()
    capture.exchange(message(Session(IDS[0])).replace(b"<Session ", b"<BeginSession xmlns='urn:schemas-microsoft-com:xml-analysis'/><Session "), None)  # fmt: skip  # noqa: E501
    (lane,) = capture.timeline().lanes
    assert lane.kind is LaneKind.UNPLACED
    assert [str(finding.code) for _, _, finding in lane.findings] == ["ambiguous-session-headers"]


def test_places_an_answer_without_its_request() -> None:
    capture = Capture()
    capture.use(IDS[0])
    capture.exchange(None, message(method="DiscoverResponse"))
    lane = capture.timeline().lanes[-1]
    (exchange,) = lane.exchanges
    assert lane.kind is LaneKind.UNPLACED
    assert exchange.request is None
    assert exchange.label == "DiscoverResponse"
    assert [str(finding.code) for finding in exchange.findings] == ["response-without-request"]


def test_attaches_what_is_left_behind_to_its_message() -> None:
    lanes = Capture.timeline(CAPTURES["three"]()).lanes
    found = [(mark.name, str(finding.code)) for mark, _, finding in lanes[0].findings]
    assert found == [
        ("entries/0/request", "session-never-ended"),
        ("entries/2/request", "request-without-response"),
    ]


def test_groups_findings_that_say_the_same() -> None:
    capture = Capture()
    for _ in range(3):
        capture.page(IDS[0])
    ((finding, places),) = groups(capture.timeline().lanes[0])
    assert str(finding.code) == "request-without-response"
    assert [mark.name for mark, _ in places] == [f"entries/{number}/response" for number in (0, 2, 4)]


def test_keeps_no_body() -> None:
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
def test_says_the_same_with_the_bodies_and_without(bodies: bool) -> None:  # noqa: FBT001
    timeline = some().timeline(bodies=bodies)
    assert sentence(timeline, 0).endswith("lost at the/loss/response, 35 min idle before")


def test_refuses_what_is_no_checked_message() -> None:
    checked = check_message(CapturedMessage("", message()))
    with pytest.raises(TypeError, match="checked must be CheckedMessage, not bytes"):
        Timeline().add(b"", Placement(None, None))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="placement must be Placement, not NoneType"):
        Timeline().add(checked, None)  # type: ignore[arg-type]


# -- what is said ------------------------------------------------------------------------------------


def test_says_what_became_of_each_session() -> None:
    timeline = some().timeline()
    said = {
        "session 1 ('9F2C'… (36 characters))": "begun at entries/0/request, 7 requests, "
        "lost at the/loss/response, 35 min idle before",
        "session 2 ('B41D'… (36 characters))": "begun at entries/10/request, 3 requests, "
        "not ended in this capture",
        "session 3 ('C0FF'… (36 characters))": "begun at entries/23/request, 3 requests, "
        "ended at entries/31/request",
        "implicit sessions": "2 requests",
        "not placed": "3 messages, 2 of them refused or not readable",
    }
    assert [sentence(timeline, index) for index in range(5)] == [": ".join(each) for each in said.items()]
    facts = Words(timeline, show_ids=False).counts()
    assert ", ".join(fact.text for fact in facts) == (
        "33 messages, 3 sessions, 1 lost, 1 left open, 2 errors, 4 warnings"
    )


def test_knows_a_session_that_is_older_than_the_capture() -> None:
    capture = Capture()
    capture.use(IDS[0])
    assert sentence(capture.timeline(), 0) == (
        "session 1 ('9F2C'… (36 characters)): older than the capture, 1 request, not ended in this capture"
    )


def test_knows_a_session_that_is_never_granted() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.messages[1] = replace(capture.messages[1], body=message(fault=Fault("Server", "no")), status=500)
    assert sentence(capture.timeline(), 0) == (
        "session 1 (without an id): begun at entries/0/request, 1 request, never granted"
    )


def test_counts_the_idle_time_of_a_session_while_others_are_busy() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.use(IDS[0], took=2.0)
    for _ in range(60):
        capture.use(IDS[1], after=30)
    capture.lose(IDS[0], after=32)
    (lane, _) = capture.timeline().lanes
    assert lane.idle_before_loss == timedelta(minutes=30, seconds=30)


def test_tells_no_idle_time_without_times() -> None:
    timeline = some().untimed().timeline()
    assert timeline.lanes[0].idle_before_loss is None
    assert sentence(timeline, 0).endswith("lost at the/loss/response")


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
def test_says_lengths_of_time_as_people_do(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    "time",
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1, 1, 1, 3, tzinfo=UTC)],
)
def test_shows_the_ends_of_the_calendar(time: datetime) -> None:
    capture = Capture(datetime.fromisoformat("0001-01-02T00:00:00+14:00"))
    capture.use(IDS[0])
    capture.messages[1] = replace(capture.messages[1], time=time)
    words = Words(capture.timeline(), show_ids=False)
    assert words.exact_time(time).count(":") == 2
    assert words.span()


@given(st.lists(strategies.session_ids(), min_size=1, max_size=5))
def test_masks_the_ids_of_the_capture_in_every_text(ids: list[str]) -> None:
    capture = Capture()
    for session_id in ids:
        capture.use(session_id)
    timeline = capture.timeline()
    for session_id in ids:
        # What no id holds stands around it.
        shown = mask(session_id) if len(session_id) > 4 else session_id
        assert timeline.masked(f"\0{session_id}\0") == f"\0{shown}\0"


def test_shortens_and_escapes_a_text() -> None:
    words = Words(some().timeline(), show_ids=False)
    assert words.text("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\u202eb\\n"
    assert words.text("x" * 100_000) == f"{'x' * 80}…{'x' * 80}"
    assert words.text(f"raw/{IDS[0]}.xml") == "raw/'9F2C'… (36 characters).xml"


# -- where it stands ---------------------------------------------------------------------------------

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
def test_lays_everything_out_in_rows(capture: Capture) -> None:
    timeline = capture.timeline()
    layout = lay_out(timeline, METRICS)
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
def test_draws_what_is_later_further_on(capture: Capture) -> None:
    timeline = capture.timeline()
    layout = lay_out(timeline, METRICS)
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
def test_draws_nothing_of_a_lane_over_each_other(capture: Capture) -> None:
    for lane in lay_out(capture.timeline(), METRICS).places:
        for level in range(7):
            line = [place for place in lane if place.level == level]
            assert all(a.end <= b.start + 1e-6 for a, b in pairwise(line))


@given(captures())
def test_draws_life_lines_without_a_hole(capture: Capture) -> None:
    timeline = capture.timeline()
    layout = lay_out(timeline, METRICS)
    for lane, line in zip(timeline.lanes, layout.places, strict=True):
        segments = life_line(lane, line)
        assert segments[0].start == line[0].start
        assert segments[-1].end == max(place.end for place in line)
        assert all(a.end == b.start for a, b in pairwise(segments))


def test_shortens_what_is_quiet_and_says_so() -> None:
    layout = lay_out(some().timeline(), METRICS)
    assert layout.by_time
    (long, shorter) = [gap for gap in layout.gaps if gap.length > timedelta(seconds=90)]
    assert long.end - long.start <= METRICS.gap + METRICS.pitch
    assert (long.length // timedelta(minutes=1), shorter.length // timedelta(minutes=1)) == (33, 1)


def test_marks_the_rest_before_a_loss() -> None:
    timeline = some().timeline()
    layout = lay_out(timeline, METRICS)
    (rest,) = [each for each in life_line(timeline.lanes[0], layout.places[0]) if each.idle]
    assert rest.before_loss
    assert rest.idle == timeline.lanes[0].idle_before_loss


def test_marks_the_rest_before_a_loss_however_short() -> None:
    capture = Capture()
    capture.begin(IDS[0])
    capture.use(IDS[0], after=20)
    capture.lose(IDS[0], after=20)
    timeline = capture.timeline()
    (rest,) = [
        each for each in life_line(timeline.lanes[0], lay_out(timeline, METRICS).places[0]) if each.idle
    ]
    assert (rest.before_loss, rest.idle) == (True, timedelta(seconds=19.988))


def test_goes_by_order_where_most_have_no_time() -> None:
    messages = many(40).messages
    for every, by_time in ((2, False), (3, True)):
        some_timed = [
            replace(each, time=None) if number % every == 0 else each for number, each in enumerate(messages)
        ]
        assert lay_out(Capture(messages=some_timed).timeline(), METRICS).by_time is by_time
    layout = lay_out(some().untimed().timeline(), METRICS)
    assert (layout.by_time, layout.gaps, layout.ticks) == (False, [], [])


def test_goes_by_order_where_all_is_at_one_time() -> None:
    capture = many(40)
    time = datetime(2026, 11, 20, tzinfo=UTC)
    at_once = Capture(messages=[replace(each, time=time) for each in capture.messages])
    assert not lay_out(at_once.timeline(), METRICS).by_time


@pytest.mark.parametrize("took", [-5, 0, 5])
@pytest.mark.parametrize("untimed", [False, True])
def test_draws_a_single_exchange_from_the_left_edge(took: float, untimed: bool) -> None:  # noqa: FBT001
    capture = Capture()
    capture.use(IDS[0], took=took)
    layout = lay_out((capture.untimed() if untimed else capture).timeline(), METRICS)
    ((start, end),) = places(layout).values()
    assert start == 0
    assert METRICS.bar < end <= METRICS.width


def test_widens_a_single_row_to_the_paper() -> None:
    layout = lay_out(CAPTURES["three"]().timeline(), METRICS)
    assert len(layout.rows) == 1
    assert max(end for _, end in places(layout).values()) > METRICS.width / 2
