"""Which variant won: a pure judgement of counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

DecidedBy = Literal["metric", "no_difference"]
ALPHA: Final = 0.05
"""How often, at most, one of several equal variants may seem clearly better than all others by chance."""
FEWEST_PEOPLE: Final = 30
FEWEST_EVENTS: Final = 10
"""Of the two that are compared together; with fewer, the normal approximation says nothing."""


@dataclass(frozen=True)
class Arm:
    """What came of one variant: those who got it, and how many of them did what counts."""

    people: int
    events: int

    @property
    def ratio(self) -> float:
        """Events a person, at most 1: taps that nobody can be told for may be more than people."""
        return min(1.0, self.events / self.people) if self.people else 0.0


@dataclass(frozen=True)
class Verdict:
    """Which variant the rest gets, by its place, and why."""

    winner: int
    decided_by: DecidedBy


def judge(arms: Sequence[Arm]) -> Verdict:
    """The variant with the highest ratio, the first of equals; `metric` if it clearly beats every other.

    Clearly: two-proportion z-tests against each other variant, two-sided, all below ALPHA divided by their number.
    """
    winner = max(range(len(arms)), key=lambda place: (arms[place].ratio, -place))
    others = [arm for place, arm in enumerate(arms) if place != winner]
    threshold = ALPHA / len(others)
    is_clear = all(find_p_value(arms[winner], other) < threshold for other in others)
    return Verdict(winner, "metric" if is_clear else "no_difference")


def find_p_value(one: Arm, other: Arm) -> float:
    """How likely so large a difference is between equals; 1 where there is too little to tell."""
    if min(one.people, other.people) < FEWEST_PEOPLE or one.events + other.events < FEWEST_EVENTS:
        return 1.0
    both = (one.ratio * one.people + other.ratio * other.people) / (one.people + other.people)
    deviation = math.sqrt(both * (1 - both) * (1 / one.people + 1 / other.people))
    if deviation == 0:
        return 1.0
    return math.erfc(abs(one.ratio - other.ratio) / deviation / math.sqrt(2))
