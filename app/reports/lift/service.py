"""From sums to what is told: figures per hundred messages, what is enough, and what one more of it cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.reports.lift.queries import Compared
from app.reports.lift.schemas import LiftArm, LiftCost, LiftFigure
from app.reports.lift.statistics import FEWEST_DAYS, FEWEST_PEOPLE, METRICS, Arm, estimate

FIGURES: Final = ("redemptions", "orders", "visits", "sales_yen")
"""The metrics of which the lift is told."""


def show(compared: Compared, *, message_yen: float, by_days: bool, now: datetime) -> dict[str, Any]:
    """The members of a `Lift`. `by_days` asks for several days, as whatever fires again and again has them."""
    cells = compared.cells
    offered = _add([cell.offered for cell in cells])
    held_out = _add([cell.held_out for cell in cells])
    days = len({cell.day_on for cell in cells if cell.weight})
    missing = _why_not_enough(offered, held_out, days if by_days else FEWEST_DAYS)
    shown = {name: _show_figure(compared, name, offered, missing is None) for name in FIGURES}
    is_enough = any(one.verdict != "not_enough_yet" for one in shown.values())
    discount_yen = round(offered.sums[METRICS.index("discount_yen")])
    cost_yen = round(discount_yen + compared.messages * message_yen)
    return {
        "status": "enough" if is_enough else "not_enough_yet",
        "detail": None if is_enough else missing or _TOO_WIDE,
        "days": days,
        "runs": compared.runs,
        "open_runs": compared.open_runs,
        "stores": compared.stores,
        "customers": compared.customers,
        "messages": compared.messages,
        "offered": _show_arm(offered),
        "held_out": _show_arm(held_out),
        **shown,
        "cost_yen": cost_yen,
        "cost_per_extra_visit_yen": _divide(cost_yen, shown["visits"]),
        "cost_per_extra_order_yen": _divide(cost_yen, shown["orders"]),
        "fresh_at": now,
    }


_TOO_WIDE: Final = "The intervals are still too wide to tell half of what those written to did from nothing."


def _why_not_enough(offered: Arm, held_out: Arm, days: int) -> str | None:
    """What is missing before any figure can have a verdict."""
    if held_out.people == 0:
        return "Nobody was held out: without a hold-out there is nobody to compare with."
    if min(offered.people, held_out.people) < FEWEST_PEOPLE:
        return f"{offered.people} and {held_out.people} people are too few: each side needs {FEWEST_PEOPLE}."
    if days < FEWEST_DAYS:
        return f"{days} business days are too few: weather hits all stores at once, so it takes {FEWEST_DAYS}."
    return None


def _show_figure(compared: Compared, name: str, offered: Arm, is_enough: bool) -> LiftFigure:
    metric = METRICS.index(name)
    found = estimate(compared.cells, compared.ties[metric], metric) if compared.ties else None
    if found is None or not compared.messages:
        unknown = dict.fromkeys(one for one in LiftFigure.model_fields if one != "verdict")
        return LiftFigure.model_validate({**unknown, "verdict": "not_enough_yet"})
    # Whoever is meant to be written to and is not, by a cap or a quota, dilutes the difference; it is the messages' all
    # the same, since nothing else tells the two sides apart.
    people = offered.people
    per_100 = 100 * people / compared.messages
    return LiftFigure(
        held_out_per_100=round(100 * found.held_out_mean, 4),
        extra_per_100_messages=round(per_100 * found.effect, 4),
        low_per_100_messages=round(per_100 * found.low, 4),
        high_per_100_messages=round(per_100 * found.high, 4),
        detectable_per_100_messages=round(per_100 * found.detectable, 4),
        extra=round(people * found.effect, 2),
        extra_low=round(people * found.low, 2),
        extra_high=round(people * found.high, 2),
        verdict=found.verdict(is_enough),
    )


def _divide(cost_yen: int, figure: LiftFigure) -> LiftCost | None:
    """What one more of it cost; None unless something was added."""
    if figure.extra is None or figure.extra_low is None or not figure.extra_high or figure.extra <= 0:
        return None
    return LiftCost(
        value=round(cost_yen / figure.extra, 2),
        low=round(cost_yen / figure.extra_high, 2),
        high=round(cost_yen / figure.extra_low, 2) if figure.extra_low > 0 else None,
    )


def _add(arms: Sequence[Arm]) -> Arm:
    sums = tuple(sum(arm.sums[place] for arm in arms) for place in range(len(METRICS)))
    return Arm(sum(arm.people for arm in arms), sums)


def _show_arm(arm: Arm) -> LiftArm:
    return LiftArm.model_validate(
        {"people": arm.people, **{name: round(done) for name, done in zip(METRICS, arm.sums, strict=True)}}
    )
