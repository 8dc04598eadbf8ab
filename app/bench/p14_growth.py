"""P14: what grows no faster than what it is asked of; so far of segments (P4)."""

from math import log

from app.bench.p4_segment import seeded, time_count
from app.bench.results import Bar, Line, Result, Size

PEOPLE = {Size.CI: (20_000, 200_000), Size.FULL: (100_000, 1_000_000)}


def run(size: Size) -> Result:
    """Count the same rule over few and over ten times as many."""
    few, many = PEOPLE[size]
    seconds = {}
    for people in (few, many):
        with seeded(people) as counting:
            seconds[people] = time_count(counting)
    slope = log(seconds[many] / seconds[few]) / log(many / few)
    lines = [
        Line(work=f"P4 over {people:,} customers", figure=taken * 1000, unit="ms") for people, taken in seconds.items()
    ]
    lines.append(Line(work="P4: slope on log-log", figure=slope, unit="", bar=Bar(at_most=1.05)))
    return Result(
        id="P14", title="Growth", lines=tuple(lines), notes=("P3 and P6 by size are run by their own benchmarks.",)
    )
