"""Rules drawn by chance: a leaf of every field and operator, and trees of them."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from app.segments.rules import OPERATORS
from tests.app.segments.oracle import span
from tests.app.segments.world import EVENTS, MOMENTS, NOW, VALUES, World

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "between")
TEXTS = ("=", "in", "starts_with")
ALL = {
    **OPERATORS,
    "attribute.size": ("=", "in"),
    "attribute.level": COMPARISONS,
    "attribute.vip": ("=",),
    "attribute.since_on": COMPARISONS,
    "attribute.memo": TEXTS,
    "attribute.free": (*COMPARISONS, "in", "starts_with"),
}
"""Every field with its operators; of attributes one of each type, and one that is not declared."""

_INSTANTS = [moment.isoformat() for moment in MOMENTS] + ["2026-11-21", "2026-11-20", "2026-11-14", "2026-10-22"]
_DAYS = [0, 1, 7, 29, 30, 31, 400]
_NUMBERS: dict[str, Sequence[int]] = {
    "order_count": range(-1, 9),
    "spend_yen": range(-1000, 9000, 1000),
    "points": [-1, 0, 1, 99, 100, 101, 5000],
    "age": [0, 25, 26, 27, 28, 35, 36, 45, 46, 150],
    "birthday_month": range(1, 13),
}
_TEXT_VALUES: dict[str, list[str]] = {
    "gender": ["female", "male", "other"],
    "prefecture": ["13", "東京都", "北海道", "大阪", "47", "京都"],
    "municipality": ["13113", "13104", "01101", "47201"],
    "friend_source": ["follow", "qr_code", "message", "backfill"],
    "rank": ["regular", "gold", "platinum"],
}
_BEGINNINGS: dict[str, list[str]] = {
    "gender": ["f", "m", "male"],
    "prefecture": ["1", "0", "13", "東京都"],
    "municipality": ["1", "13", "131", "13113"],
    "friend_source": ["f", "qr", "unknown"],
    "rank": ["r", "g", "gold", "x"],
}


def draw_leaf(dice: Random, world: World, name: str, op: str) -> dict[str, Any]:
    """A comparison of this field by this operator."""
    if op == "never":
        return {"field": name, "op": op}
    return {"field": name, "op": op, "value": _draw_value(dice, world, name, op)}


def draw_rule(dice: Random, world: World, depth: int = 3) -> dict[str, Any]:
    """A rule, up to so many levels deep."""
    kind = dice.choice(["all", "any", "not", "leaf", "leaf"]) if depth else "leaf"
    if kind == "leaf":
        name = dice.choice(list(ALL))
        return draw_leaf(dice, world, name, dice.choice(ALL[name]))
    if kind == "not":
        return {"not": draw_rule(dice, world, depth - 1)}
    return {kind: [draw_rule(dice, world, depth - 1) for _ in range(dice.randrange(4))]}


def _draw_value(dice: Random, world: World, name: str, op: str) -> Any:
    if name.startswith("attribute."):
        return _attribute(dice, name.removeprefix("attribute."), op)
    if name in _TEXT_VALUES:
        return _text(dice, _TEXT_VALUES[name], _BEGINNINGS[name], op)
    if name.endswith("_at"):
        if op in ("within_days", "before_days"):
            return dice.choice(_DAYS)
        return _between(dice, _INSTANTS, op, key=lambda moment: span(moment)[0])
    if name in _NUMBERS:
        return _between(dice, _NUMBERS[name], op)
    match name:
        case "tag":
            tags = ["常連", "両方", "空", "隣", *world.ids("tag")]
            return dice.choice(tags) if op == "has" else _some(dice, tags)
        case "store" | "area" | "segment":
            return _some(dice, world.ids({"segment": "seg"}.get(name, name)))
        case "line_account":
            return _some(dice, world.ids("acc"))
        case "coupon":
            return _coupon(dice, world, op)
        case "message":
            return _message(dice, world)
        case _:
            return _event(dice, world)


def _some(dice: Random, values: list[str]) -> Any:
    return dice.choice(values) if dice.random() < 0.3 else dice.sample(values, dice.randint(1, min(3, len(values))))


def _between(dice: Random, values: Any, op: str, key: Any = None) -> Any:
    values = list(values)
    return sorted(dice.choices(values, k=2), key=key) if op == "between" else dice.choice(values)


def _text(dice: Random, values: list[str], beginnings: list[str], op: str) -> Any:
    if op == "starts_with":
        return dice.choice(beginnings)
    return dice.choice(values) if op == "=" else _some(dice, values)


def _attribute(dice: Random, name: str, op: str) -> Any:
    values = [value for value in VALUES[name] if value != ""]
    if name == "free":
        # The operator says of which type the value must be.
        if op in TEXTS and (op != "=" or dice.random() < 0.5):
            values = [value for value in values if isinstance(value, str)]
        elif op != "=":
            values = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if op in ("in", "starts_with"):
        return _text(dice, values, [*values, *(value[:1] for value in values)], op)
    return _between(dice, values, op)


def _coupon(dice: Random, world: World, op: str) -> Any:
    coupons = _some(dice, world.ids("cpn"))
    if op != "expires_within_days":
        return coupons
    days = dice.choice(_DAYS)
    return days if dice.random() < 0.5 else {"days": days, "coupon_id": coupons}


def _message(dice: Random, world: World) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if dice.random() < 0.6:
        value["campaign_id"] = _some(dice, world.ids("cmp"))
    if dice.random() < 0.5:
        value["within_days"] = dice.choice([0, 1, 2, 3, 30])
    return value


def _event(dice: Random, world: World) -> dict[str, Any]:
    type_ = dice.choice([*EVENTS, "coupon.redeemed"])
    value: dict[str, Any] = {"type": type_}
    if dice.random() < 0.4:
        value["within_days"] = dice.choice(_DAYS)
    if dice.random() < 0.4:
        value["at_least"] = dice.randint(1, 3)
    if dice.random() < 0.25:
        value["store_id"] = _some(dice, world.ids("store"))
    if dice.random() < 0.25:
        value["line_account_id"] = _some(dice, world.ids("acc"))
    if dice.random() < 0.4:
        samples = EVENTS.get(type_) or [{"coupon_id": one} for one in world.ids("cpn")]
        name, wanted = dice.choice(list(dice.choice(samples).items()))
        if wanted is not None:
            value["where"] = {name: wanted}
    return value


NOWS = [NOW, *(NOW + timedelta(days=days, hours=hours) for days, hours in ((1, 0), (98, 12), (99, 12), (464, 13)))]
"""Moments to ask at; among them the last of February and the first of March in years with a 29th and without."""
