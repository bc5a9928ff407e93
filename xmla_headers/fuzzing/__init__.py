"""Labelled messages for tests of parsers in any language, and a harness that compares a parser with them.

With a parser of yours, `my_parser`::

    from itertools import islice
    from xmla_headers import fuzzing

    for disagreement in fuzzing.compare(my_parser, islice(fuzzing.iter_cases(), 2_000)):
        print(disagreement)
"""

from ._case import Behaviour, Case, Trap, Verdict
from ._cases import iter_cases
from ._corpus import corpus
from ._harness import Disagreement, DisagreementKind, compare

__all__ = [
    "Behaviour",
    "Case",
    "Disagreement",
    "DisagreementKind",
    "Trap",
    "Verdict",
    "compare",
    "corpus",
    "iter_cases",
]
