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
    "percent_off_to": Told("{percent}% off, up to {most:,} yen", "{percent}%引き（最大{most:,}円）"),
    "free_item": Told("{item}, free", "{item}が無料"),
    "gift": Told("A gift: {item}", "{item}プレゼント"),
    "service": Told("With our compliments: {item}", "{item}サービス"),
    "early_access": Told("Before all others: {item}", "{item}の先行ご案内"),
}


def tell_benefit(benefit: Mapping[str, Any]) -> Told:
    """What it gives: `200円引き`, `餃子プレゼント`."""
    values = {
        "amount": benefit.get("amount_yen"),
        "percent": benefit.get("percent"),
        "most": benefit.get("most_yen"),
        "item": benefit.get("item"),
    }
    kind = benefit["kind"] if values["most"] is None else f"{benefit['kind']}_to"
    return Told(*(text.format(**values) for text in _TEXTS[kind]))
