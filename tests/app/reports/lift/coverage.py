"""How often the intervals hold the truth: `python -m tests.app.reports.lift.coverage --runs 1000`."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.reports.lift.statistics import estimate
from tests.app.reports.lift.simulated import VISITS, Brand, simulate

LIFTS = (0.0, 0.02, -0.01)
"""None, two points more, one point less."""
BRANDS = {
    "24 days": Brand(0.0),
    "10 days": Brand(0.0, days=10, people=200),
    "steady lift": Brand(0.0, lift_by_day=0.0),
}


@dataclass(frozen=True)
class Coverage:
    """Of how many runs the interval held the truth, and how the estimates lay on average."""

    name: str
    lift: float
    runs: int
    covered: int
    mean_effect: float
    mean_width: float

    @property
    def ratio(self) -> float:
        """The share of runs whose interval held the truth."""
        return self.covered / self.runs


def cover(name: str, lift: float, runs: int) -> Coverage:
    """So many seasons of a brand with this lift, each from a seed of its own that is always the same."""
    brand = replace(BRANDS[name], lift=lift)
    covered, effects, widths = 0, 0.0, 0.0
    for seed in range(runs):
        found = estimate(*simulate(brand, seed), VISITS)
        assert found is not None
        covered += found.low <= lift <= found.high
        effects += found.effect
        widths += found.high - found.low
    return Coverage(name, lift, runs, covered, effects / runs, widths / runs)


def cover_all(runs: int) -> Iterator[Coverage]:
    """Every kind of brand with every lift."""
    for name in BRANDS:
        for lift in LIFTS:
            yield cover(name, lift, runs)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    print(f"{'brand':<12} {'lift':>7} {'covered':>9} {'mean estimate':>14} {'mean width':>11}")
    for one in cover_all(runs):
        print(
            f"{one.name:<12} {one.lift:>+7.3f} {one.ratio:>9.1%} {one.mean_effect:>+14.4f} {one.mean_width:>11.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
