"""The cases: each rule in turn, then endless combinations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING

from xmla_headers._codec.options import DEFAULT_LIMITS, Reading
from xmla_headers.findings import RULES, Code, Severity
from xmla_headers.model import HeaderBlock
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import AnyDirection, MustUnderstandForm
from xmla_headers.typing import BlockTypes

from ._case import Case
from ._confusables import confusables
from ._draft import Draft, Place, block_of
from ._faults import FAULTS
from ._header_blocks import HEADER_BLOCKS
from ._ids import SESSION_IDS
from ._skeleton import SKELETON
from ._spellings import MIXED, SPELLINGS, neighbours
from ._unreadable import UNREADABLE
from ._ways import ANYWHERE, Given, attribute_values, content_values, make_value
from ._writing import WILD, Choices, Pen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._ways import Way

__all__ = [
    "WAYS",
    "Stock",
    "break_with",
    "broken",
    "finished",
    "first_pass",
    "iter_cases",
    "mixed",
    "spelled",
]

# A test fails for a code that is missing both here and in NOT_ABOUT_BYTES.
WAYS = {**UNREADABLE, **SKELETON, **HEADER_BLOCKS, **FAULTS}


def iter_cases(
    seed: int = 0,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
) -> Iterator[Case]:
    """Yield labelled messages without end; take some of them with `itertools.islice`.

    The first messages, about two thousand, are the same for every seed. They take each rule in turn: each
    valid way of writing, each confusable, each way to break each code at one place, then at the other
    places. After them come combinations, which the seed determines. No message expects a code about values
    alone, or about more than one message.

    Args:
        seed: Any int; it determines the combinations.
        types: Expanded name in Clark notation -> class of the header block; the messages are labelled for
            a reader that knows these.
        direction: The direction in which the messages are read, a member or its value. Only with one do
            cases of `wrong-direction` occur.

    Returns:
        An endless iterator of cases with unique names, apart from combinations that come again.

    Raises:
        TypeError: `seed` is not an int, or `types` or `direction` are of another type.
        ValueError: A key of `types` is not the name of its class, or `direction` is unknown.

    >>> from itertools import islice
    >>> [case.name for case in islice(iter_cases(), 2)]
    ['valid/plain/Session', 'valid/single-quotes/Session']
    """
    if type(seed) is not int:
        msg = f"seed must be an int, not {type(seed).__name__}"
        raise TypeError(msg)
    # It refuses the arguments that decode refuses.
    reading = Reading(types, direction, False, (), None, DEFAULT_LIMITS)
    return _cases(seed, Given(reading.types, reading.direction))


def _cases(seed: int, given: Given) -> Iterator[Case]:
    """Yield the first pass, then combinations."""
    yield from first_pass(given)
    stock = Stock(given)
    for number in count():
        # Each has a generator of its own, so that one more choice in one changes no other.
        yield mixed(Choices.of(Random(f"{seed}/{number}")), stock)  # noqa: S311 - no secret


# -- the first pass ------------------------------------------------------------------------------------


def first_pass(given: Given) -> Iterator[Case]:
    """Yield each rule in turn; the first cases alone have some of every rule."""
    turns = [*_valid(given), *_confused(given), *broken(given)]
    # The sort is stable: within one turn the order is kept.
    seen: Counter[str] = Counter()
    for case, _ in sorted(turns, key=itemgetter(1)):
        # Classes of one local name, in different namespaces, break a rule in ways of one name.
        name = case.name.casefold()
        seen[name] += 1
        if seen[name] > 1:
            rule, way, *place = case.name.split("/")
            case = replace(case, name="/".join([rule, f"{way}-{seen[name]}", *place]))  # noqa: PLW2901
        yield case


# The number of ways to break a code that come in one turn.
_WAYS_PER_TURN = 8
# The turn of cases that repeat an earlier one at another place or with another header block.
_AGAIN = 1_000


def _valid(given: Given) -> Iterator[tuple[Case, int]]:
    """Yield each way of writing a valid message, and the turn that it comes in."""
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
    """Yield each confusable, and the turn that it comes in."""
    for number, kind in enumerate(given.kinds):
        for name, note, reference, change in confusables(given):
            draft = Draft(given.types, given.direction)
            change(draft, kind)
            local = kind.spec.local_name
            case = draft.finish(f"confusable/{name}/{local}", name, f"{local} {note}", reference)
            yield case, _AGAIN if number else 0


def broken(given: Given, codes: Iterable[Code] = tuple(RULES)) -> Iterator[tuple[Case, int]]:
    """Yield messages that break one rule, and the turn that each comes in."""
    for code in codes:
        if code not in WAYS:
            continue
        for number, way in enumerate(WAYS[code](given)):
            for index, place in enumerate(way.places):
                name = f"{code}/{way.name}/{place}" if len(way.places) > 1 else f"{code}/{way.name}"
                draft = Draft(given.types, given.direction)
                others = neighbours(given)[:2]
                draft.header = list(others)
                break_with(draft, code, way, place)
                case = draft.finish(name, code, way.note, RULES[code].reference)
                # Each way comes first at another place.
                yield case, number // _WAYS_PER_TURN if number % len(way.places) == index else _AGAIN


def break_with(draft: Draft, code: Code, way: Way, place: Place) -> None:
    """Break the rule of a code in one of its ways."""
    way.change(draft, place)
    draft.codes.add(code)
    draft.ours = draft.ours or way.ours


# -- combinations --------------------------------------------------------------------------------------

# The largest number of rules that are broken in one message.
_MOST_BROKEN = 3


class Stock:
    """The parts of combinations, computed once."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.ways = {code: tuple(WAYS[code](given)) for code in RULES if code in WAYS}
        # The ways that can be combined with other broken rules.
        self.mixing = {code: [way for way in ways if way.mixes] for code, ways in self.ways.items()}
        self.mixing = {code: ways for code, ways in self.mixing.items() if ways}
        self.spellings = [[spelling for spelling in group(given) if not spelling.alone] for group in MIXED]
        self.confusables = tuple(confusables(given))


def spelled(choices: Choices, stock: Stock, values: Sequence[HeaderBlock]) -> Draft:
    """Return a valid message with some header blocks, written as chosen."""
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
    # Some confusables bind prefixes themselves.
    if usual and given.kinds and choices.one_in(6):
        choices.pick(stock.confusables).change(draft, choices.pick(given.kinds))
    # Among several oddities, ids alone no longer show a behaviour.
    draft.traps.clear()
    return draft


def _values(choices: Choices, given: Given) -> list[HeaderBlock]:
    """Return up to two header blocks of different classes."""
    kinds = list(given.kinds)
    values: list[HeaderBlock] = []
    ids = list(SESSION_IDS.values())
    while kinds and len(values) < 2 and not choices.one_in(3):
        kind = kinds.pop(kinds.index(choices.pick(kinds)))
        fields: dict[str, object] = {
            attribute.field: choices.pick(attribute_values(attribute, ids))
            for attribute in kind.spec.attributes
        }
        fields |= content_values(kind, choices.pick)
        fields["must_understand"] = choices.one_in(3)
        fields["must_understand_form"] = choices.pick((None, *MustUnderstandForm))
        values.append(kind(**fields))  # type: ignore[arg-type]
    return values


def mixed(choices: Choices, stock: Stock) -> Case:
    """Return a message that may break several rules, written in any way."""
    draft = spelled(choices, stock, _values(choices, stock.given))
    notes = []
    if choices.one_in(2):
        codes = tuple(stock.mixing)
        for _ in range(1 + choices.pick(range(_MOST_BROKEN))):
            code = choices.pick(codes)
            # Only one finding can end a message.
            if RULES[code].fatal and any(RULES[other].fatal for other in draft.codes):
                continue
            way = choices.pick(stock.mixing[code])
            # In the middle, a fatal one would hide some of the others.
            places = [place for place in way.places if place is not Place.MIDDLE or not RULES[code].fatal]
            break_with(draft, code, way, choices.pick(places))
            notes.append(way.note)
    draft.traps.clear()
    return finished(draft, "; ".join(notes) or "a way of writing")


def finished(draft: Draft, note: str) -> Case:
    """Write a message; its name is a hash, its rule the first that it breaks, errors before warnings."""
    broken = sorted(draft.expected(), key=list(RULES).index)
    errors = [code for code in broken if RULES[code].severity is Severity.ERROR]
    if not broken:
        return draft.finish("mixed/{}", "mixed", note, "SOAP 1.1 §4")
    rule = (errors or broken)[0]
    return draft.finish("mixed/{}", rule, note, RULES[rule].reference)
