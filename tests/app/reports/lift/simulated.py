"""Brands of which we know what sending adds, so that the intervals can be held against the truth.

Weather moves everybody at once: a day has its own demand, a store on that day too, and the lift itself differs from
day to day around what is true of the brand. The same people are held out all season, and come often or seldom by
nature.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from app.reports.lift.statistics import METRICS, Arm, Cell, Squares, Ties

VISITS = METRICS.index("visits")
Row = tuple[date, int, int, bool, float]
"""Day, store, person, whether written to, what she did."""


@dataclass(frozen=True)
class Brand:
    """What is true of a brand. Ratios are those of people who come after one occasion."""

    lift: float
    days: int = 24
    stores: int = 4
    people: int = 120
    """At each store."""
    holdout_ratio: float = 0.2
    reached_ratio: float = 0.45
    """How many of a store's people a firing is meant for; the rest is kept out by cooldowns."""
    fires_ratio: float = 0.7
    """At how many of the stores a rainy day fires."""
    lift_by_day: float = 0.015
    """How far the lift of a day is from that of the brand."""


def simulate(brand: Brand, seed: int) -> tuple[list[Cell], Ties]:
    """One season of such a brand, as the report reads it."""
    return gather(live_through(brand, Random(seed)))


def live_through(brand: Brand, random: Random) -> list[Row]:
    """What everybody did on every day on which she was meant."""
    everybody = [
        [(random.uniform(0.06, 0.22), random.random() >= brand.holdout_ratio) for _ in range(brand.people)]
        for _ in range(brand.stores)
    ]
    rows: list[Row] = []
    for number in range(brand.days):
        on = date(2026, 6, 1) + timedelta(days=number)
        weather = random.uniform(-0.02, 0.05)
        lift = brand.lift + random.choice((-1, 1)) * brand.lift_by_day
        for store, people in enumerate(everybody):
            if random.random() >= brand.fires_ratio:
                continue
            demand = weather + random.uniform(-0.015, 0.015)
            for place, (nature, is_offered) in enumerate(people):
                if random.random() < brand.reached_ratio:
                    chance = nature + demand + (lift if is_offered else 0)
                    came = float(random.random() < chance)
                    rows.append((on, store, store * brand.people + place, is_offered, came))
    return rows


def gather(rows: Sequence[Row]) -> tuple[list[Cell], Ties]:
    """The sums that the report's statement makes of such rows, made by other means."""
    arms: defaultdict[tuple[date, int], list[list[float]]] = defaultdict(lambda: [[], []])
    for on, store, _, is_offered, done in rows:
        arms[on, store][is_offered].append(done)
    shares = {key: len(one[1]) / (len(one[0]) + len(one[1])) for key, one in arms.items()}
    means = {key: sum(one[0] + one[1]) / (len(one[0]) + len(one[1])) for key, one in arms.items()}
    people: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    by_row = [0.0, 0.0, 0.0]
    for on, store, person, is_offered, done in rows:
        t = is_offered - shares[on, store]
        a, b = t * (done - means[on, store]), t * t
        people[person][0] += a
        people[person][1] += b
        by_row[0] += a * a
        by_row[1] += a * b
        by_row[2] += b * b
    by_person = Squares(
        sum(a * a for a, _ in people.values()),
        sum(a * b for a, b in people.values()),
        sum(b * b for _, b in people.values()),
    )
    cells = [
        Cell(on, offered=_arm(written_to), held_out=_arm(held_out)) for (on, _), (held_out, written_to) in arms.items()
    ]
    return cells, Ties(by_person, Squares(*by_row))


def _arm(done: Sequence[float]) -> Arm:
    sums = [0.0] * len(METRICS)
    sums[VISITS] = sum(done)
    return Arm(len(done), tuple(sums))
