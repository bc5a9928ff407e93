"""The cases: first every rule in turn, then combinations without end."""

from __future__ import annotations

from itertools import count
from random import Random

from xmla_headers._codec.options import DEFAULT_LIMITS, Reading
from xmla_headers.findings import RULES, Severity
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import MustUnderstandForm

# For the ways that they register.
from . import _faults, _header_blocks, _skeleton, _unreadable  # noqa: F401
from ._confusables import confusables
from ._draft import Draft, Place, block_of
from ._spellings import MIXED, SESSION_IDS, SPELLINGS, neighbours
from ._ways import ANYWHERE, WAYS, Given, make_value
from ._writing import WILD, Choices, Pen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from xmla_headers.findings import Code
    from xmla_headers.model import HeaderBlock
    from xmla_headers.soap import Direction

    from ._case import Case
    from ._ways import Way

__all__ = ["Stock", "break_with", "broken", "finished", "first_pass", "iter_cases", "mixed", "spelled"]


def iter_cases(
    seed: int = 0,
    *,
    types: Mapping[str, type[HeaderBlock]] = SESSION_BLOCKS,
    direction: Direction | None = None,
) -> Iterator[Case]:
    """Yield labelled messages without end: take as many as you want with `itertools.islice`.

    First each rule in turn, some thousand messages, the same for every seed: each way of writing what is
    right, each confusable, each way to break each code at one place, then at the others. Afterwards
    combinations of all that, determined by the seed. `types` and `direction` are what the messages are
    meant to be read with; without a direction no message is against it. Codes about values alone, and
    about more than one message, are never expected.
    """
    if type(seed) is not int:
        msg = f"seed must be an int, not {type(seed).__name__}"
        raise TypeError(msg)
    # Refuses what decode would refuse as `types` and `direction`.
    reading = Reading(types, direction, False, (), None, DEFAULT_LIMITS)
    return _cases(seed, Given(reading.types, reading.direction))


def _cases(seed: int, given: Given) -> Iterator[Case]:
    yield from first_pass(given)
    stock = Stock(given)
    for number in count():
        # A generator of its own for each: one more choice in one changes no other.
        yield mixed(Choices.of(Random(f"{seed}/{number}")), stock)  # noqa: S311 - no secret


# -- the first pass ------------------------------------------------------------------------------------


def first_pass(given: Given) -> Iterator[Case]:
    """Yield each rule in turn: everything once, and some of everything first."""
    turns = [*_right(given), *_confused(given), *broken(given)]
    # A stable sort: in each turn they keep their order.
    turns.sort(key=_turn)
    for case, _ in turns:
        yield case


def _turn(entry: tuple[Case, int]) -> int:
    return entry[1]


#: How many ways to break a code come in one turn.
_WAYS_PER_TURN = 8
#: The turn of what has been there before, at another place or with another header block.
_AGAIN = 1_000


def _right(given: Given) -> Iterator[tuple[Case, int]]:
    for number, kind in enumerate(given.kinds):
        for group in SPELLINGS:
            for spelling in group(given):
                draft = Draft(given.types, given.direction)
                block = block_of(make_value(kind, draft))
                draft.header = [block]
                spelling.change(draft, block)
                name = f"valid/{spelling.name}/{kind.spec.local_name}"
                case = draft.finish(name, spelling.name, spelling.note, spelling.reference)
                yield case, _AGAIN if number else 0


def _confused(given: Given) -> Iterator[tuple[Case, int]]:
    for number, kind in enumerate(given.kinds):
        for name, note, reference, change in confusables(given):
            draft = Draft(given.types, given.direction)
            change(draft, kind)
            local = kind.spec.local_name
            case = draft.finish(f"confusable/{name}/{local}", name, f"{local} {note}", reference)
            yield case, _AGAIN if number else 0


def broken(given: Given, codes: Iterable[Code] = tuple(RULES)) -> Iterator[tuple[Case, int]]:
    """Yield messages in which one rule is broken, and the turn that each comes in."""
    for code in codes:
        if code not in WAYS:
            continue
        for number, way in enumerate(WAYS[code](given)):
            for index, place in enumerate(way.places):
                name = f"{code}/{way.name}/{place}" if len(way.places) > 1 else f"{code}/{way.name}"
                draft = Draft(given.types, given.direction)
                others = neighbours(given)[:2]
                draft.header = list(others)
                break_with(draft, way, place)
                case = draft.finish(name, code, way.note, RULES[code].reference)
                # The first place of each is another one.
                yield case, number // _WAYS_PER_TURN if number % len(way.places) == index else _AGAIN


def break_with(draft: Draft, way: Way, place: Place) -> None:
    """Break a rule in one of its ways."""
    way.change(draft, place)
    draft.ours = draft.ours or way.ours


# -- combinations --------------------------------------------------------------------------------------

#: The most rules that are broken in one message.
_MOST_BROKEN = 3


class Stock:
    """What combinations are made of, looked up once."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.ways = {code: tuple(WAYS[code](given)) for code in RULES if code in WAYS}
        #: The ways that can be done to a message which breaks other rules as well.
        self.mixing = {code: [way for way in ways if way.mixes] for code, ways in self.ways.items()}
        self.mixing = {code: ways for code, ways in self.mixing.items() if ways}
        self.spellings = [[spelling for spelling in group(given) if not spelling.alone] for group in MIXED]
        self.confusables = tuple(confusables(given))


def spelled(choices: Choices, stock: Stock, values: Sequence[HeaderBlock]) -> Draft:
    """Return a message that is right and holds some header blocks, written as chosen."""
    given = stock.given
    draft = Draft(given.types, given.direction, Pen(WILD, choices))
    blocks = [block_of(value) for value in values]
    draft.header = [*blocks]
    usual = True
    for spellings in stock.spellings:
        if not blocks or not choices.one_in(3):
            continue
        choices.pick(spellings).change(draft, blocks[0])
        usual = usual and draft.prefix != "" and not draft.declares and not draft.header_attributes
    for neighbour in neighbours(given):
        if choices.one_in(6):
            draft.insert(choices.pick(ANYWHERE), neighbour)
    # Some of them bind prefixes themselves.
    if usual and given.kinds and choices.one_in(6):
        choices.pick(stock.confusables).change(draft, choices.pick(given.kinds))
        # Who falls for one of them is no longer seen from the ids alone.
    draft.traps.clear()
    return draft


def _values(choices: Choices, given: Given) -> list[HeaderBlock]:
    """Return header blocks of different kinds."""
    kinds = list(given.kinds)
    values: list[HeaderBlock] = []
    ids = list(SESSION_IDS.values())
    while kinds and len(values) < 2 and not choices.one_in(3):
        kind = kinds.pop(kinds.index(choices.pick(kinds)))
        fields: dict[str, object] = {attribute.field: choices.pick(ids) for attribute in kind.spec.attributes}
        fields["must_understand"] = choices.one_in(3)
        fields["must_understand_form"] = choices.pick((None, *MustUnderstandForm))
        values.append(kind(**fields))  # type: ignore[arg-type]
    return values


def mixed(choices: Choices, stock: Stock) -> Case:
    """Return a message that may break several rules at once, and is written in any way."""
    draft = spelled(choices, stock, _values(choices, stock.given))
    notes = []
    if choices.one_in(2):
        codes = tuple(stock.mixing)
        for _ in range(1 + choices.pick(range(_MOST_BROKEN))):
            code = choices.pick(codes)
            # What ends a message ends it once.
            if RULES[code].fatal and any(RULES[other].fatal for other in draft.codes):
                continue
            way = choices.pick(stock.mixing[code])
            # In the middle it would hide some of the others.
            places = [place for place in way.places if place is not Place.MIDDLE or not RULES[code].fatal]
            break_with(draft, way, choices.pick(places))
            notes.append(way.note)
    draft.traps.clear()
    return finished(draft, "; ".join(notes) or "a way of writing")


def finished(draft: Draft, note: str) -> Case:
    """Write a message that is named by its bytes, and filed under the first rule that it breaks."""
    broken = sorted(draft.expected(), key=list(RULES).index)
    errors = [code for code in broken if RULES[code].severity is Severity.ERROR]
    if not broken:
        return draft.finish("mixed/{}", "mixed", note, "SOAP 1.1 §4")
    rule = (errors or broken)[0]
    return draft.finish("mixed/{}", rule, note, RULES[rule].reference)
