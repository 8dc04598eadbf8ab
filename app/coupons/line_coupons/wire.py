"""An offer in LINE's words."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.coupons.models import Coupon
from app.coupons.texts import tell_benefit
from app.coupons.validity import Span

MOST_TITLE: Final = 60
MOST_CONDITION: Final = 100
ZONES: Final = frozenset(
    {"ASIA_TOKYO", "ASIA_TAIPEI", "ASIA_BANGKOK", "ASIA_TASHKENT", "EUROPE_LONDON", "EUROPE_PARIS"}
)
"""Those of LINE's names of zones that are ours too; times are instants, so the zone only says how LINE writes them."""


def write_coupon(coupon: Coupon, span: Span, zone: ZoneInfo) -> dict[str, Any]:
    """The body by which LINE makes the offer's coupon: got by a message only, shown until the offer's end."""
    told = tell_benefit(coupon.benefit)
    name = zone.key.upper().replace("/", "_")
    condition = f"{coupon.min_spend_yen:,}円以上のお会計で使えます。" if coupon.min_spend_yen else None
    body = {
        "title": cut(coupon.name, MOST_TITLE),
        "description": told.ja,
        "usageCondition": cut(condition, MOST_CONDITION) if condition else None,
        "acquisitionCondition": {"type": "normal"},
        "maxUseCountPerTicket": 1,
        "startTimestamp": int(span.starts_at.timestamp()),
        "endTimestamp": int(span.expires_at.timestamp()),
        "timezone": name if name in ZONES else "ASIA_TOKYO",
        "reward": _reward(coupon.benefit),
        "visibility": "UNLISTED",
    }
    return {key: value for key, value in body.items() if value is not None}


def is_same(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether a coupon that LINE shows is what this body would make."""
    names = ("title", "description", "startTimestamp", "endTimestamp")
    return theirs.get("status") != "CLOSED" and all(theirs.get(name) == mine.get(name) for name in names)


def cut(text: str, most: int) -> str:
    """The text in as many UTF-16 units as LINE takes, with … where it was longer."""
    if len(text.encode("utf-16-le")) <= 2 * most:
        return text
    kept = text[: most - 1]
    while len(kept.encode("utf-16-le")) > 2 * (most - 1):
        kept = kept[:-1]
    return f"{kept}…"


def _reward(benefit: dict[str, Any]) -> dict[str, Any]:
    match benefit["kind"]:
        case "amount_off":
            return {"type": "discount", "priceInfo": {"type": "fixed", "fixedAmount": benefit["amount_yen"]}}
        case "percent_off" if benefit["percent"] < 100:
            return {"type": "discount", "priceInfo": {"type": "percentage", "percentage": benefit["percent"]}}
        case "percent_off" | "free_item":
            return {"type": "free"}
        case "gift":
            return {"type": "gift"}
    return {"type": "others"}
