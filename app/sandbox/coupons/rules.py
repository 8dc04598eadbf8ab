"""What LINE takes for a coupon, in LINE's words. Lists of values stand without spaces here, unlike in messages."""

from collections.abc import Mapping
from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.messages.fields import (
    FORBIDDEN,
    MEDIA_URL_MAX,
    MISSING,
    Branch,
    Check,
    Shape,
    count_units,
    integer,
    uri,
)

MOST_TICKETS = 30
"""How many of one coupon a person may get, if it is a referral coupon, which only the manager makes."""
_END_OF_TIME = 253_402_300_799
"""The last second of the year 9999."""
_DEAR = 2**31 - 1
TIMEZONES = (
    *("ETC_GMT_MINUS_12", "ETC_GMT_MINUS_11", "PACIFIC_HONOLULU", "AMERICA_ANCHORAGE", "AMERICA_LOS_ANGELES"),
    *("AMERICA_PHOENIX", "AMERICA_CHICAGO", "AMERICA_NEW_YORK", "AMERICA_CARACAS", "AMERICA_SANTIAGO"),
    *("AMERICA_ST_JOHNS", "AMERICA_SAO_PAULO", "ETC_GMT_MINUS_2", "ATLANTIC_CAPE_VERDE", "EUROPE_LONDON"),
    *("EUROPE_PARIS", "EUROPE_ISTANBUL", "EUROPE_MOSCOW", "ASIA_TEHRAN", "ASIA_TBILISI", "ASIA_KABUL"),
    *("ASIA_TASHKENT", "ASIA_COLOMBO", "ASIA_KATHMANDU", "ASIA_ALMATY", "ASIA_RANGOON", "ASIA_BANGKOK"),
    *("ASIA_TAIPEI", "ASIA_TOKYO", "AUSTRALIA_DARWIN", "AUSTRALIA_SYDNEY", "ASIA_VLADIVOSTOK", "ETC_GMT_PLUS_12"),
    "PACIFIC_TONGATAPU",
)


def _size(most: int, *, least: int = 0) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        return None if least <= count_units(value) <= most else f"Size must be between {least} and {most}"

    return check


def one_of(*values: str | int) -> Check:
    """One of these values."""
    wrong = f"Must be one of the following values: [{','.join(map(str, values))}]"
    return lambda value: None if not isinstance(value, bool) and value in values else wrong


def _between(least: int, most: int) -> Check:
    whole = integer(-(2**63))

    def check(value: Any) -> str | None:
        return whole(value) or (None if least <= value <= most else f"Must be between {least} and {most}")

    return check


def _forbidden(value: Any) -> str:
    return FORBIDDEN


def _kinds(shapes: Mapping[str, Branch]) -> Branch:
    """An object whose `type` says which of the shapes it has."""
    known = one_of(*shapes)

    def check(value: Any, path: str, details: list[Detail]) -> None:
        if not isinstance(value, dict):
            details.append({"message": "must be an object", "property": path})
            return
        kind = value.get("type")
        wrong = MISSING if kind is None else known(kind) if isinstance(kind, str) else known(None)
        if wrong is None:
            shapes[str(kind)](value, path, details)
        else:
            details.append({"message": wrong, "property": f"{path}.type"})

    return check


def _only(all_fields: Mapping[str, Check], *names: str) -> Shape:
    """These of the fields must be there, and the others must not."""
    return Shape(
        required={name: all_fields[name] for name in names},
        optional={name: _forbidden for name in all_fields if name not in names},
    )


_LOTTERY: dict[str, Check] = {
    "lotteryProbability": _between(1, 99),
    "maxAcquireCount": lambda value: None if value == -1 else _between(1, 999_999)(value),
}
_PRICES: dict[str, Check] = {
    "fixedAmount": integer(1, _DEAR),
    "percentage": _between(1, 99),
    "originalPrice": integer(0, _DEAR),
    "priceAfterDiscount": integer(0, _DEAR),
}
_CASH_BACK = {"fixed": _only(_PRICES, "fixedAmount"), "percentage": _only(_PRICES, "percentage")}
_DISCOUNT = {**_CASH_BACK, "explicit": _only(_PRICES, "originalPrice", "priceAfterDiscount")}
_WITHOUT_PRICE = Shape(optional={"priceInfo": _forbidden})
_REWARD = _kinds(
    {
        "discount": Shape(branches={"priceInfo": _kinds(_DISCOUNT)}, needed=("priceInfo",)),
        "free": _WITHOUT_PRICE,
        "gift": _WITHOUT_PRICE,
        "cashBack": Shape(branches={"priceInfo": _kinds(_CASH_BACK)}, needed=("priceInfo",)),
        "others": _WITHOUT_PRICE,
    }
)
_ACQUISITIONS: dict[str, Branch] = {
    "normal": _only(_LOTTERY),
    "lottery": _only(_LOTTERY, *_LOTTERY),
}
_IMAGE = uri("https", most=MEDIA_URL_MAX)


def _coupon(acquisitions: Mapping[str, Branch], **more: Check) -> Shape:
    return Shape(
        required={
            "title": _size(60, least=1),
            "maxUseCountPerTicket": one_of(1, -1),
            "startTimestamp": integer(0, _END_OF_TIME),
            "endTimestamp": integer(0, _END_OF_TIME),
            "timezone": one_of(*TIMEZONES),
            "visibility": one_of("PUBLIC", "UNLISTED"),
        },
        optional={
            "description": _size(1_000),
            "usageCondition": _size(100),
            "couponCode": _size(16),
            "imageUrl": _IMAGE,
            "barcodeImageUrl": _IMAGE,
            **more,
        },
        branches={"acquisitionCondition": _kinds(acquisitions), "reward": _REWARD},
        needed=("acquisitionCondition", "reward"),
    )


_BY_API = _coupon(_ACQUISITIONS)
_BY_MANAGER = _coupon({**_ACQUISITIONS, "referral": Shape()}, maxTicketPerUser=_between(1, MOST_TICKETS))
FIELDS = (
    *("title", "description", "acquisitionCondition", "maxUseCountPerTicket", "startTimestamp", "endTimestamp"),
    *("timezone", "reward", "visibility", "imageUrl", "barcodeImageUrl", "couponCode", "usageCondition"),
)


def check_coupon(body: Any, now: float, *, by_manager: bool = False) -> list[Detail]:
    """What is wrong with a new coupon: nothing, or one detail for each error."""
    details: list[Detail] = []
    (_BY_MANAGER if by_manager else _BY_API)(body, "", details)
    details = [{**each, "property": each["property"].lstrip(".")} for each in details]
    if not {"startTimestamp", "endTimestamp"} & {each["property"] for each in details}:
        # LINE says that the end lies after now and after the start; its words for an end that does not are ours.
        if body["endTimestamp"] <= body["startTimestamp"]:
            details.append({"message": "Must be after startTimestamp", "property": "endTimestamp"})
        elif body["endTimestamp"] <= now:
            details.append({"message": "Must be in the future", "property": "endTimestamp"})
    return details
