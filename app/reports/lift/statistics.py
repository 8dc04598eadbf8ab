"""What sending added, and how sure that is: sums of both arms in, estimates out. `docs/lift.md` has the formulas.

Those written to and those held out are compared within the same run and store, where weather and custom are the same
for both, and never between days. Neighbouring stores share a day's weather, and the same people are held out for a
season; so neither a store nor a message is an observation of its own: the interval goes by days and by people.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

METRICS: Final = ("redemptions", "orders", "visits", "sales_yen", "discount_yen")
"""What is compared; `Arm.sums` and `Ties.of` are in this order."""
CONFIDENCE: Final = 0.95
POWER: Final = 0.8
TELLABLE_RATIO: Final = 0.5
"""There is enough once a lift of this share of what those written to do would be told, with `POWER`, from none."""
FEWEST_DAYS: Final = 6
FEWEST_PEOPLE: Final = 30
"""In each arm, a person counting each time."""

Verdict = Literal["not_enough_yet", "more", "less", "no_clear_difference"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a comparison: how many people, and what they did together, by METRICS."""

    people: int
    sums: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The people of one run at one store, on one business day."""

    day_on: date
    offered: Arm
    held_out: Arm

    @property
    def weight(self) -> float:
        """How much the comparison inside this cell tells; 0 where one side is empty."""
        people = self.offered.people + self.held_out.people
        return self.offered.people * self.held_out.people / people if people else 0.0

    def difference(self, metric: int) -> float:
        """What those written to did more, a person."""
        return self.offered.sums[metric] / self.offered.people - self.held_out.sums[metric] / self.held_out.people


@dataclass(frozen=True, slots=True)
class Squares:
    """Sums of squares of what each contributes: with t = (written to? 1 : 0) less its mean in the cell and y what she
    did less its mean in the cell, of a = t·y and b = t²."""

    aa: float
    ab: float
    bb: float

    def around(self, effect: float) -> float:
        """The sum of squares of a − effect·b."""
        return max(0.0, self.aa - 2 * effect * self.ab + effect * effect * self.bb)


@dataclass(frozen=True, slots=True)
class Ties:
    """How alike people are to themselves: the squares of one metric, each person summed up first, and row by row."""

    by_person: Squares
    by_row: Squares


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one message's offer added, for a person that it was meant for, with its interval of 95 %.

    `detectable` is the smallest lift that would have been told from none with a power of 80 %.
    """

    effect: float
    low: float
    high: float
    detectable: float
    held_out_mean: float
    offered_mean: float
    days: int
    degrees: int
    """Of freedom: by how much wider than a normal distribution's the interval is."""

    def verdict(self, is_enough: bool) -> Verdict:
        """What may be said of it, given that the arms and days suffice."""
        if not is_enough or self.detectable > TELLABLE_RATIO * self.offered_mean:
            return "not_enough_yet"
        if self.low > 0:
            return "more"
        return "less" if self.high < 0 else "no_clear_difference"


def estimate(cells: Sequence[Cell], ties: Ties, metric: int) -> Estimate | None:
    """The lift in one metric; None where no cell has people on both sides, or nothing at all was done.

    The variance is the jackknife's over business days, and what the same people add by being on the same side again
    (two-way clustering); Student's t has as many degrees of freedom as there are effective days, less one. Of a single
    day the interval goes by people, and tells of that day.
    """
    weights: defaultdict[date, float] = defaultdict(float)
    effects: defaultdict[date, float] = defaultdict(float)
    held = offered = 0.0
    for cell in cells:
        weight = cell.weight
        if weight:
            weights[cell.day_on] += weight
            effects[cell.day_on] += weight * cell.difference(metric)
            held += weight * cell.held_out.sums[metric] / cell.held_out.people
            offered += weight * cell.offered.sums[metric] / cell.offered.people
    total = sum(weights.values())
    if not total or not (held or offered):
        return None
    effect = sum(effects.values()) / total
    days = len(weights)
    repeated = ties.by_person.around(effect) - ties.by_row.around(effect)
    if days == 1:
        variance = ties.by_person.around(effect) / total**2
        degrees = max(1, sum(cell.offered.people + cell.held_out.people for cell in cells) - 2)
    else:
        without = [(effect * total - effects[day]) / (total - weights[day]) for day in weights]
        variance = (days - 1) / days * sum((one - effect) ** 2 for one in without)
        variance += max(0.0, repeated) / total**2
        degrees = max(1, math.floor(total**2 / sum(weight**2 for weight in weights.values())) - 1)
    error = math.sqrt(variance)
    reach = find_t(CONFIDENCE / 2 + 0.5, degrees) * error
    return Estimate(
        effect=effect,
        low=effect - reach,
        high=effect + reach,
        detectable=reach + find_t(POWER, degrees) * error,
        held_out_mean=held / total,
        offered_mean=offered / total,
        days=days,
        degrees=degrees,
    )


NORMAL_FROM: Final = 400
"""With more degrees of freedom Student's t is the normal distribution to the third digit."""


@lru_cache(maxsize=1024)
def find_t(probability: float, degrees: int) -> float:
    """The value that Student's t with these degrees of freedom stays below with this probability (0.5 to 1).

    By halving on the angle atan(t / √degrees), for which the distribution is a finite sum.
    """
    degrees = min(degrees, NORMAL_FROM)
    below, above = 0.0, math.pi / 2
    for _ in range(60):
        middle = (below + above) / 2
        if 0.5 + _share_within(middle, degrees) / 2 < probability:
            below = middle
        else:
            above = middle
    return math.tan(below) * math.sqrt(degrees)


def _share_within(angle: float, degrees: int) -> float:
    """The probability that |t| stays within tan(angle)·√degrees (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    cosine = math.cos(angle)
    is_odd = degrees % 2
    term = cosine if is_odd else 1.0
    series = term if degrees > 1 else 0.0
    for step in range(3 if is_odd else 2, degrees - 1, 2):
        term *= (step - 1) / step * cosine**2
        series += term
    return 2 / math.pi * (angle + math.sin(angle) * series) if is_odd else math.sin(angle) * series
