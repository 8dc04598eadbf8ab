"""Who the friends of an account are, as LINE estimates it: in percentages, three days late, and of no few.

Nobody states these things of a person; unless the trait `demographics` does, they are drawn from her number, and are
always the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from app.sandbox.insight.days import day_of
from app.sandbox.insight.state import Insight
from app.sandbox.insight.statistics import HIDDEN_BELOW
from app.sandbox.world import Channel, World

TRAIT = "demographics"
LATE_DAYS = 3
_SAMPLE = 20_000
"""Percentages of a large account are taken from so many friends, as a million would hold up every send."""

_GENDERS = {"female": 52, "male": 44, "unknown": 4}
_AGES = {
    "from0to14": 1,
    "from15to19": 6,
    "from20to24": 9,
    "from25to29": 10,
    "from30to34": 10,
    "from35to39": 10,
    "from40to44": 11,
    "from45to49": 11,
    "from50to54": 10,
    "from55to59": 8,
    "from60to64": 5,
    "from65to69": 3,
    "from70": 2,
    "unknown": 4,
}
_AREAS = {
    "東京": 30,
    "神奈川": 14,
    "埼玉": 11,
    "千葉": 9,
    "大阪": 10,
    "愛知": 7,
    "兵庫": 5,
    "福岡": 5,
    "北海道": 4,
    "京都": 2,
    "unknown": 3,
}
_APP_TYPES = {"ios": 62, "android": 38, "others": 0}
SHARES: Mapping[str, Mapping[str, int]] = {
    "gender": _GENDERS,
    "age": _AGES,
    "area": _AREAS,
    "appType": _APP_TYPES,
}
"""What there is of each trait, and of a hundred people how many."""
_PERIODS = {"within7days": 7, "within30days": 30, "within90days": 90, "within180days": 180, "within365days": 365}
_LISTS = {"genders": "gender", "ages": "age", "areas": "area", "appTypes": "appType"}


def app_type_of(world: World, person_no: int) -> str:
    """ "ios" or "android", and "others" only for whom it is stated: LINE measures no impression there."""
    return _trait_of(world, person_no, "appType")


def _trait_of(world: World, person_no: int, name: str) -> str:
    stated: str | None = world.traits.get(TRAIT, {}).get(person_no, {}).get(name)
    return stated or _DRAWN[name][_mixed(person_no, name)]


def _mixed(person_no: int, name: str) -> int:
    """A number below 100 that says nothing of the person's number, nor one trait's of another's."""
    return (person_no * 2_654_435_761 + len(name) * 40_503 >> 7) % 9_973 % 100


_DRAWN: Mapping[str, Sequence[str]] = {
    name: [value for value, share in shares.items() for _ in range(share)] for name, shares in SHARES.items()
}


def describe(world: World, insight: Insight, channel: Channel, now: float) -> dict[str, Any]:
    """The answer of `GET /v2/bot/insight/demographic`."""
    day = day_of(now) - LATE_DAYS
    if insight.get_closing(world, channel, day).reach < HIDDEN_BELOW:
        return {"available": False}
    people = list(islice(channel.friends.values(), _SAMPLE))
    answer: dict[str, Any] = {"available": True}
    for list_name, name in _LISTS.items():
        counts = Counter(_trait_of(world, person_no, name) for person_no in people)
        answer[list_name] = _tiles(name, {value: counts[value] for value in SHARES[name]})
    return {**answer, "subscriptionPeriods": _tiles("subscriptionPeriod", _periods(world, insight, channel, day))}


def _periods(world: World, insight: Insight, channel: Channel, day: int) -> dict[str, int]:
    """How many became friends within each period, read from how days ended."""
    periods, newer = {}, insight.get_closing(world, channel, day).reach
    for name, days in _PERIODS.items():
        older = insight.get_closing(world, channel, day - days).reach
        periods[name] = max(0, newer - older)
        newer = min(newer, older)
    return {**periods, "over365days": newer, "unknown": 0}


def _tiles(name: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    total = sum(counts.values()) or 1
    return [{name: value, "percentage": round(100 * count / total, 1)} for value, count in counts.items()]
