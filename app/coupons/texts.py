"""What a coupon gives, in words for those who show it and those who take it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Told(NamedTuple):
    """The same in both languages."""

    en: str
    ja: str


_TEXTS: Final = {
    "amount_off": Told("{amount:,} yen off", "{amount:,}円引き"),
    "percent_off": Told("{percent}% off", "{percent}%引き"),
    "free_item": Told("{item}, free", "{item}が無料"),
    "gift": Told("A gift: {item}", "{item}プレゼント"),
    "service": Told("With our compliments: {item}", "{item}サービス"),
    "early_access": Told("Before all others: {item}", "{item}の先行ご案内"),
}


def tell_benefit(benefit: Mapping[str, Any]) -> Told:
    """What it gives: `200円引き`, `餃子プレゼント`."""
    values = {"amount": benefit.get("amount_yen"), "percent": benefit.get("percent"), "item": benefit.get("item")}
    return Told(*(text.format(**values) for text in _TEXTS[benefit["kind"]]))
