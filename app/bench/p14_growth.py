"""P14: what grows no faster than what it is asked of: campaigns (P3) and segments (P4)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log

from app.bench import p3_campaign
from app.bench.p4_segment import seeded, time_count
from app.bench.results import Bar, Line, Result, Size

RECIPIENTS = {Size.CI: (2_000, 20_000, 100_000), Size.FULL: (10_000, 100_000, 1_000_000)}
PEOPLE = {Size.CI: (20_000, 200_000), Size.FULL: (100_000, 1_000_000)}


def run(size: Size) -> Result:
    """Send to ever more people, and count the same rule over ever more."""
    sending, ledgers = p3_campaign.time_by_size(RECIPIENTS[size])
    counting: dict[int, float] = {}
    for people in PEOPLE[size]:
        with seeded(people) as prepared:
            counting[people] = time_count(prepared)
    return Result(
        id="P14",
        title="Growth",
        lines=(
            *_lines("P3: a campaign to {:,} people", sending),
            *ledgers.lines(),
            *_lines("P4: a count over {:,} customers", counting),
        ),
        notes=("A slope is that of the steepest step on log-log.", "P6 by size is run by its own benchmark."),
    )


def _lines(work: str, seconds: Mapping[int, float]) -> Sequence[Line]:
    slope = max(log(seconds[many] / seconds[few]) / log(many / few) for few, many in pairwise(sorted(seconds)))
    return (
        *(Line(work=work.format(count), figure=taken * 1000, unit="ms") for count, taken in seconds.items()),
        Line(work=f"{work[:2]}: slope on log-log", figure=slope, unit="", bar=Bar(at_most=1.05)),
    )
