"""Knows how a timeline becomes one page that stands alone: no script, no network, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from xmla_headers._printable import plural
from xmla_headers.findings import Severity

from ._model import Exchange, Lane, Mark, Timeline, worst
from ._picture import FLAGS, Picture
from ._style import STYLE
from ._words import GLYPHS, MEANINGS, Fact, Words, duration_text, groups

__all__ = ["html"]

# Links to messages that are shown for one finding.
_MOST_PLACES = 12

# Lanes with a sentence each; if there are more, the worst ones.
_MOST_TOLD = 12

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
        self._lanes = timeline.lanes
        self._words = Words(timeline, show_ids=show_ids)
        self._title = self._text(title)
        self._picture = Picture(timeline, self._words)

    def _text(self, text: str) -> str:
        return escape(self._words.text(text))

    def _heading(self, lane: Lane) -> str:
        label = escape(self._words.label(lane))
        return f"<b>{label[:1].upper()}{label[1:]}</b>"

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
        yield "</header>"
        yield "<main>"
        yield from self._verdicts()
        if self._lanes:
            yield from self._picture.lines()
            yield '<section id="details" aria-label="All exchanges"><h2>All exchanges</h2>'
            for index, lane in enumerate(self._lanes):
                yield from self._details(index, lane)
            yield "</section>"
        else:
            yield '<p id="details" class="none">There is no message in this capture.</p>'
        yield "</main>"
        yield "</body>"
        yield "</html>"

    # -- one sentence for each lane -----------------------------------------------------------------

    def _verdicts(self) -> Iterator[str]:
        told = [(lane, self._words.facts(lane)) for lane in self._lanes]
        ranks = {verdict: rank for rank, verdict in enumerate(_SIGNS)}
        by_rank = sorted(range(len(told)), key=lambda index: ranks[_verdict(*told[index])])
        rest = set(by_rank[_MOST_TOLD:])
        if not told:
            return
        yield '<section aria-label="Summary of the sessions"><ul class="verdicts">'
        for index, (lane, facts) in enumerate(told):
            if index not in rest:
                yield self._verdict_line(lane, facts)
        yield "</ul>"
        if rest:
            yield f"<details><summary>{plural(len(rest), 'more lane')}, none of them worse</summary>"
            yield '<ul class="verdicts">'
            for index in sorted(rest):
                yield self._verdict_line(*told[index])
            yield "</ul></details>"
        yield "</section>"

    def _verdict_line(self, lane: Lane, facts: list[Fact]) -> str:
        said = []
        for fact in facts:
            text = escape(fact.text)
            if fact.exchange is not None:
                text = f'<a href="#m{fact.exchange.number}">{text}</a>'
            said.append(f'<span class="{fact.style}">{text}</span>' if fact.style else text)
        verdict = _verdict(lane, facts)
        return (
            f'<li class="{verdict or "plain"}"><span class="sign" aria-hidden="true">{_SIGNS[verdict]}</span>'
            f"<span>{self._heading(lane)}: {', '.join(said)}{_tally(lane)}</span></li>"
        )

    # -- all exchanges -------------------------------------------------------------------------------

    def _details(self, index: int, lane: Lane) -> Iterator[str]:
        found = groups(lane)
        opened = ' open="open"' if len(self._lanes) <= 12 and found and len(lane.exchanges) <= 30 else ""
        yield f'<details class="about" id="lane-{index + 1}"{opened}>'
        yield (
            f"<summary>{self._heading(lane)}{_tally(lane)}"
            f' <span class="count">{plural(len(lane.exchanges), "exchange")}</span></summary>'
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
        at = "Time" if self._picture.layout.by_time else "Order"
        headings = ["#", at, "Method", "HTTP", "Took", "Result", "Messages"]
        yield "".join(f'<th scope="col">{heading}</th>' for heading in headings)
        yield "</tr></thead><tbody>"
        for exchange in lane.exchanges:
            yield self._table_row(exchange)
        yield "</tbody></table></div></details>"

    def _link(self, mark: Mark, exchange: Exchange) -> str:
        return f'<a href="#m{exchange.number}">{self._text(mark.name) or "the message"}</a>'

    def _table_row(self, exchange: Exchange) -> str:
        first, outcome, taken = exchange.first, exchange.outcome, exchange.duration
        at = f"{first.number}" if first.time is None else self._words.exact_time(first.time)
        what = f"{GLYPHS[outcome]} {MEANINGS[outcome]}".strip()
        if exchange.response is not None and exchange.response.fault is not None:
            what += f": {self._words.fault(exchange.response)}"
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
            "<br/>".join(self._text(mark.name) for mark in exchange.marks),
        ]
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        return f'<tr id="x{exchange.number}">{row}</tr>'


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
