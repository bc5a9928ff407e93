"""Knows how a timeline becomes one page that stands alone: no script, no network, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from xmla_headers._printable import plural
from xmla_headers.findings import Severity
from xmla_headers.transcript import Diagnosis
from xmla_headers.transcript._verdict import by_cause, more_of, verdict_line

from ._exchange import Exchange, Mark, worst
from ._model import Lane, Timeline
from ._picture import FLAGS, Picture
from ._style import STYLE
from ._traffic import traffic
from ._words import GLYPHS, MEANINGS, Fact, Words, duration_text, groups

__all__ = ["html"]

# Links to messages that are shown for one finding.
_MOST_PLACES = 12

# Lanes that went wrong and are drawn, and causes and lanes that are told before the rest is folded.
_MOST_DRAWN, _MOST_TOLD = 30, 12

# The same lanes, if the page has a summary by time.
_MOST_DRAWN_OF_MANY = 12

# Lanes that are drawn together, healthy or not.
_FEW = 12

# Messages of a page that has each exchange. A page of more has a summary by time, a line for each session,
# and the exchanges that went wrong.
_MOST_MESSAGES, _MOST_EXCHANGES, _MOST_LINES = 5_000, 200, 2_000

# The sign for the result of a lane, the worst first.
_SIGNS = {"error": "✕", "warning": "…", "good": "✓", "": "·"}


def html(timeline: Timeline, *, title: str, show_ids: bool = False) -> str:
    """Draw a timeline as an HTML page, which is also well-formed XML.

    All texts of the capture are escaped. The size of the page is linear in the number of messages and
    findings.

    Args:
        timeline: The timeline.
        title: The name of the capture.
        show_ids: Show session ids, which are secrets, in full.

    Returns:
        The page.
    """
    return "\n".join([*_Page(timeline, title, show_ids=show_ids).lines(), ""])


class _Page:
    """The page of one timeline."""

    def __init__(self, timeline: Timeline, title: str, *, show_ids: bool) -> None:
        self._timeline = timeline
        self._words = Words(timeline, show_ids=show_ids)
        self._title = self._text(title)
        self._is_large = timeline.messages > _MOST_MESSAGES
        lanes = timeline.lanes
        most_drawn = _MOST_DRAWN_OF_MANY if self._is_large else _MOST_DRAWN
        drawn = timeline.worst_first if len(lanes) <= _FEW else timeline.ill[:most_drawn]
        self._numbers = {id(lane): number for number, lane in enumerate(lanes, 1)}
        most = _MOST_EXCHANGES if self._is_large else timeline.messages
        # The lanes with all of their exchanges, by `id` of those that are drawn.
        self._whole = {id(lane): lane for lane in lanes}
        self._drawn = [self._shortened(lane, most) for lane in drawn]
        # Names of messages -> the exchanges that the evidence can link to.
        self._places = {
            mark.name: exchange.number
            for lane in self._drawn
            for exchange in lane.exchanges
            for mark in exchange.marks
        }
        told = set(map(id, drawn))
        self._others = [lane for lane in lanes if id(lane) not in told]
        self._folded = frozenset(map(id, self._others)) if self._is_large else frozenset()

    def _shortened(self, lane: Lane, most: int) -> Lane:
        shortened = lane.shortened(most)
        self._numbers[id(shortened)] = self._numbers[id(lane)]
        self._whole[id(shortened)] = lane
        return shortened

    def _text(self, text: str) -> str:
        return escape(self._words.text(text))

    def _heading(self, lane: Lane) -> str:
        return f"<b>{_capital(escape(self._words.label(lane)))}</b>"

    def lines(self) -> Iterator[str]:
        yield "<!DOCTYPE html>"
        yield '<html lang="en">'
        yield "<head>"
        yield '<meta charset="utf-8"/>'
        yield (
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
        )
        yield '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        yield '<meta name="color-scheme" content="light dark"/>'
        yield '<meta name="referrer" content="no-referrer"/>'
        yield f"<title>{self._title}</title>"
        yield f"<style>{STYLE}</style>"
        yield "</head>"
        yield "<body>"
        yield '<a class="skip" href="#details">Skip the picture</a>'
        yield "<header>"
        yield f"<h1>{self._title}</h1>"
        yield f'<p class="figures">{_figures(self._words.counts())}</p>'
        yield f'<p class="when">{escape(self._words.span())}</p>'
        if self._words.common:
            common = f"<code>{escape(self._words.common)}</code>"
            yield f'<p class="when">Names of messages begin with {common}.</p>'
        yield "</header>"
        yield "<main>"
        yield from self._diagnoses()
        yield from self._faults()
        yield from self._summary()
        if self._is_large:
            yield from self._traffic()
        yield '<div id="details">'
        yield from self._exchanges()
        if not self._numbers:
            yield '<p class="none">There is no message in this capture.</p>'
        yield "</div>"
        yield "</main>"
        yield "</body>"
        yield "</html>"

    # -- the verdict ----------------------------------------------------------------------------------

    def _diagnoses(self) -> Iterator[str]:
        """Yield the verdict, and a block for each diagnosis."""
        found = self._timeline.diagnosis
        line = verdict_line(self._timeline.counted, self._timeline.records)
        if not line:
            return
        said = "".join(
            f'<span class="{style}">{escape(text)}</span>' if style else escape(text) for text, style in line
        )
        yield f'<section aria-label="Verdict"><p class="verdict">{said}</p>'
        if found:
            told = "".join(self._diagnosis(each, left) for each, left in by_cause(found))
            yield f'<ol class="diagnoses">{told}</ol>'
        yield "</section>"

    def _more(self, left: Sequence[Diagnosis]) -> str:
        """Return the other diagnoses of a cause, folded."""
        if not left:
            return ""
        shown = "".join(self._diagnosis(each, ()) for each in left[:_MOST_LINES])
        summary = escape(_capital(more_of(left)))
        return f'<details><summary>{summary}</summary><ol class="diagnoses">{shown}</ol></details>'

    def _diagnosis(self, diagnosis: Diagnosis, left: Sequence[Diagnosis]) -> str:
        also = f" <span>or {', '.join(diagnosis.also)}</span>" if diagnosis.also else ""
        said = [f"<b>{diagnosis.cause}</b>{also}", _capital(self._text(diagnosis.sentence))]
        if diagnosis.fault:
            said.append(f"The server: {self._text(diagnosis.fault)}")
        said += [f"Against it: {self._text(sentence)}" for sentence in diagnosis.against]
        said.append(f"<em>{_capital(self._text(diagnosis.advice))}</em>")
        shown = [
            f"{each.fact}{'' if each.time is None else f' {self._words.time(each.time)}'} in"
            f" {self._linked(each.message)}"
            for each in diagnosis.shown_evidence
        ]
        said.append(f'<span class="evidence">{"; ".join(shown)}</span>')
        return f"<li>{''.join(f'<p>{part}</p>' for part in said)}{self._more(left)}</li>"

    def _linked(self, name: str) -> str:
        """Return the name of a message, with a link to it if it is drawn."""
        shown, number = escape(self._words.name(name)) or "the message", self._places.get(name)
        return shown if number is None else f'<a href="#m{number}">{shown}</a>'

    def _faults(self) -> Iterator[str]:
        """Yield the table of the faults by code."""
        if not self._timeline.faults:
            return
        yield '<section aria-label="Faults"><h2>Faults</h2><div class="wide about faults"><table><thead><tr>'
        headings = ["Code", "Times", "First", "Last", "Words of the first"]
        yield "".join(f'<th scope="col">{heading}</th>' for heading in headings)
        yield "</tr></thead><tbody>"
        for fault in self._timeline.faults[:_MOST_LINES]:
            kind = " (inside an answer)" if fault.is_inline else ""
            times = ["-" if time is None else self._words.time(time) for time in (fault.first, fault.last)]
            cells = [f"{self._text(fault.code) or 'none'}{kind}", f"{fault.count:,}", *times]
            row = "".join(
                f"<td>{cell}</td>" for cell in (*cells, f'<span class="long">{self._text(fault.text)}</span>')
            )
            yield f"<tr>{row}</tr>"
        yield "</tbody></table></div></section>"

    def _traffic(self) -> Iterator[str]:
        """Yield the exchanges by time: a bar for each stretch of equal length."""
        bars = traffic(self._timeline)
        if not bars:
            return
        most = max(bar.exchanges for bar in bars)
        yield '<section aria-label="Traffic by time"><h2>Traffic by time</h2><div class="bars">'
        for bar in bars:
            said = f"{self._words.time(bar.begun)}: {plural(bar.exchanges, 'exchange')}, {bar.wrong:,} wrong"
            height, wrong = (
                round(100 * bar.exchanges / most),
                round(100 * bar.wrong / most) if bar.wrong else 0,
            )
            yield (
                f'<div title="{said}"><i style="height:{height}%"></i>'
                f'<b style="height:{max(wrong, 2) if bar.wrong else 0}%"></b></div>'
            )
        ends = bars[0].begun, bars[-1].begun
        first, last = (f"{self._words.date(time)} {self._words.time(time)}" for time in ends)
        yield f'</div><p class="when axis-ends"><span>{first}</span><span>{last}</span></p>'
        how = "The height is the number of exchanges; red are those that went wrong."
        yield f'<p class="how">{how}</p></section>'

    # -- pictures and tables --------------------------------------------------------------------------

    def _exchanges(self) -> Iterator[str]:
        """Yield the picture and the exchanges of the lanes that are drawn, and the others folded."""
        if self._drawn:
            yield from self._pictured(self._drawn)
        if not self._others:
            return
        name = "lane" if any(not lane.is_well for lane in self._others) else "lane without trouble"
        count = plural(len(self._others), name).replace("lane without troubles", "lanes without trouble")
        yield f'<details class="about others" id="others"><summary>{count}</summary>'
        if self._is_large:
            yield '<ul class="verdicts lines">'
            for lane in self._others[:_MOST_LINES]:
                yield self._verdict_line(lane)
            yield "</ul>"
            if len(self._others) > _MOST_LINES:
                yield f'<p class="how">and {len(self._others) - _MOST_LINES:,} more</p>'
        else:
            yield from self._pictured(self._others)
        yield "</details>"

    def _pictured(self, lanes: list[Lane]) -> Iterator[str]:
        picture = Picture(lanes, self._timeline.messages, self._words, self._numbers)
        yield from picture.lines()
        yield '<section aria-label="Exchanges"><h2>Exchanges</h2>'
        for lane in lanes:
            yield from self._details(lane, by_time=picture.layout.by_time)
        yield "</section>"

    # -- one sentence for each lane -----------------------------------------------------------------

    def _summary(self) -> Iterator[str]:
        """Yield a sentence for each lane that is drawn."""
        if not self._drawn:
            return
        told, rest = self._drawn[:_MOST_TOLD], self._drawn[_MOST_TOLD:]
        yield '<section aria-label="Summary of the sessions"><ul class="verdicts">'
        for lane in told:
            yield self._verdict_line(self._whole[id(lane)])
        yield "</ul>"
        if rest:
            yield f"<details><summary>{plural(len(rest), 'more lane')}, none of them worse</summary>"
            yield '<ul class="verdicts">'
            for lane in rest:
                yield self._verdict_line(self._whole[id(lane)])
            yield "</ul></details>"
        yield "</section>"

    def _verdict_line(self, lane: Lane) -> str:
        facts = self._words.facts(lane)
        said = []
        for fact in facts:
            text = escape(fact.text)
            if fact.exchange is not None and id(lane) not in self._folded:
                text = f'<a href="#m{fact.exchange.number}">{text}</a>'
            said.append(f'<span class="{fact.style}">{text}</span>' if fact.style else text)
        verdict = _verdict(lane, facts)
        return (
            f'<li class="{verdict or "plain"}"><span class="sign" aria-hidden="true">{_SIGNS[verdict]}</span>'
            f"<span>{self._heading(lane)}: {', '.join(said)}{_tally(lane)}</span></li>"
        )

    # -- all exchanges -------------------------------------------------------------------------------

    def _details(self, lane: Lane, *, by_time: bool) -> Iterator[str]:
        found, whole = groups(lane), self._whole[id(lane)]
        opened = ' open="open"' if found and len(lane.exchanges) <= 30 and len(self._drawn) <= 3 else ""
        yield f'<details class="about" id="lane-{self._numbers[id(lane)]}"{opened}>'
        yield (
            f"<summary>{self._heading(lane)}{_tally(whole)}"
            f' <span class="count">{plural(len(whole.exchanges), "exchange")}</span></summary>'
        )
        if found:
            yield '<ul class="findings">'
            for finding, places in found:
                kind, sign = FLAGS[finding.severity]
                hint = "" if finding.hint is None else f'<p class="hint">{self._text(finding.hint)}</p>'
                links = [self._link(mark, exchange) for mark, exchange in places]
                shown, rest = links[:_MOST_PLACES], links[_MOST_PLACES:]
                more = ""
                if rest:
                    more = f"<details><summary>and {len(rest):,} more</summary>{' '.join(rest)}</details>"
                said = f"<code>{finding.severity}[{finding.code}]</code> {self._text(finding.message)}"
                where = f'<div class="places">{" ".join(shown)}{more}</div>'
                yield f'<li><i class="f {kind}">{sign}</i><div><p>{said}</p>{hint}{where}</div></li>'
            yield "</ul>"
        yield '<div class="wide"><table><thead><tr>'
        at = "Time" if by_time else "Order"
        headings = ["#", at, "Method", "HTTP", "Took", "Result", "Messages"]
        yield "".join(f'<th scope="col">{heading}</th>' for heading in headings)
        yield "</tr></thead><tbody>"
        for exchange in lane.exchanges:
            yield self._table_row(exchange)
        yield "</tbody></table></div>"
        if lane.left_out:
            yield f'<p class="how left">{plural(lane.left_out, "exchange")} that went well left out</p>'
        yield "</details>"

    def _link(self, mark: Mark, exchange: Exchange) -> str:
        return f'<a href="#m{exchange.number}">{escape(self._words.name(mark.name)) or "the message"}</a>'

    def _table_row(self, exchange: Exchange) -> str:
        first, outcome, taken = exchange.first, exchange.outcome, exchange.duration
        at = f"{first.number}" if first.time is None else self._words.exact_time(first.time)
        what = f"{GLYPHS[outcome]} {MEANINGS[outcome]}".strip()
        if exchange.response is not None and exchange.response.fault is not None:
            what += f": {self._words.fault(exchange.response)}"
        if exchange.response is not None:
            what += "".join(f"; Error {self._words.error(*error)}" for error in exchange.response.errors)
        severity = worst(exchange.findings)
        flag = "" if severity is None else '<i class="f {}">{}</i> '.format(*FLAGS[severity])
        codes = dict.fromkeys(str(finding.code) for finding in exchange.findings)
        said = f" <code>{', '.join(codes)}</code>" if codes else ""
        block = "" if first.block is None else f' <span class="block">{self._text(first.block)}</span>'
        number = exchange.number
        cells = [
            f'<a href="#m{number}" aria-label="show {number} in the picture">{number}</a>',
            at,
            f"{self._text(exchange.label) or '-'}{block}",
            "-" if exchange.status is None else str(exchange.status),
            "-" if taken is None else duration_text(taken),
            f"{flag}{escape(what)}{said}",
            "<br/>".join(escape(self._words.name(mark.name)) for mark in exchange.marks),
        ]
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        return f'<tr id="x{exchange.number}">{row}</tr>'


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _figures(facts: list[Fact]) -> str:
    return " <span class='dot'>·</span> ".join(
        f'<span class="{fact.style}">{escape(fact.text)}</span>' if fact.style else escape(fact.text)
        for fact in facts
    )


def _verdict(lane: Lane, facts: list[Fact]) -> str:
    styles = {fact.style for fact in facts} | {
        str(severity) for severity in [worst(f for _, _, f in lane.findings)] if severity
    }
    return next((style for style in _SIGNS if style in styles), "")


def _tally(lane: Lane) -> str:
    found = [finding.severity for _, _, finding in lane.findings]
    parts = [
        f'<span class="{severity}">{FLAGS[severity][1]} {plural(found.count(severity), severity)}</span>'
        for severity in Severity
        if severity in found
    ]
    return f' <span class="tally">{" ".join(parts)}</span>' if parts else ""
