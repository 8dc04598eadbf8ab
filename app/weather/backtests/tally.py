"""What a back-test came to: counted stretch by stretch, told as one document and as rows."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from app.schemas import write_instant
from app.weather.backtests.playing import Playback, Played
from app.weather.backtests.replay import PlayedStore, StoreDay
from app.weather.backtests.verification import (
    THRESHOLDS_MM,
    Contingency,
    is_wet,
    longest_run,
    measured_rain,
    speaks_of_rain,
    window_of,
)
from app.weather.jma import ATTRIBUTION
from app.weather.places import Spot
from app.weather.readings import Day
from app.weather.recording import describe
from app.weather.rules import Reason
from tenants.ids import encode_id
from tenants.stores import opening_hours

MOST_STORES: Final = 100
"""Stores that the document tells of one by one; the files tell of all."""
FALSE_ALARMS: Final = 5

UNKNOWN: Final = frozenset({Reason.UNKNOWN_DATA, Reason.STALE})
COLUMNS: Final = (
    "store_id", "store", "business_on", "fired", "reason", "decided_at", "rain_mm", "hours_missing",
)  # fmt: skip
STORE_COLUMNS: Final = (
    "store_id", "store", "store_days", "fired", "unknown", "longest_run_days", "station", "verified", "wet",
    "precision_ratio", "detection_ratio",
)  # fmt: skip


@dataclass(slots=True)
class Figures:
    """What is counted of a store, a month, a year or of all."""

    store_days: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    fired_on: list[date] = field(default_factory=list)
    """A date for each firing, of one store or several."""
    unknown_on: list[date] = field(default_factory=list)
    messages: int = 0
    cost_yen: float = 0.0
    by_threshold: tuple[Contingency, ...] = field(default_factory=lambda: tuple(Contingency() for _ in THRESHOLDS_MM))

    @property
    def unknown(self) -> int:
        """Store-days of which it was not known whether to fire."""
        return len(self.unknown_on)

    @property
    def fired(self) -> int:
        """Firings."""
        return len(self.fired_on)


@dataclass(slots=True)
class Date:
    """What is counted of one date, over all stores."""

    stores: int = 0
    fired: int = 0
    unknown: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A firing after which it stayed dry."""

    store: PlayedStore
    business_on: date
    day: StoreDay
    rain_mm: float


class Tally:
    """Counts what is played, in order."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._stores = {store.no: store for store in playback.stores}
        self._ids = {store.no: encode_id("store", store.id) for store in playback.stores}
        self._window = window_of(playback.player.rule)
        self._is_of_rain = speaks_of_rain(playback.player.rule)
        self.all = Figures()
        self.by_store: dict[int, Figures] = {store.no: Figures() for store in playback.stores}
        self.by_month: dict[str, Figures] = {}
        self.by_year: dict[str, Figures] = {}
        self.by_date: dict[date, Date] = {}
        self._alarms: list[Alarm] = []
        self._dated: dict[date, tuple[Date, Figures, Figures]] = {}
        self._days: dict[tuple[bytes, date], Day] = {}
        self._rain: dict[tuple[Spot, bytes, date], tuple[float, int] | None] = {}

    def add(self, played: Played) -> Iterator[Mapping[str, Any]]:
        """Count a stretch; answers its rows, which are counted as they are taken."""
        for kept in (self._days, self._rain, self._dated):
            kept.clear()
        for (store_no, on), day in sorted(played.days.items(), key=lambda item: (item[0][1], item[0][0])):
            store = self._stores[store_no]
            rain = self._measure(store, on, played)
            self._count(store, on, day, rain)
            yield {
                "store_id": self._ids[store_no],
                "store": store.name,
                "business_on": on.isoformat(),
                "fired": "true" if day.decision else "false",
                "reason": day.reason.value,
                "decided_at": write_instant(day.decided_at),
                "rain_mm": None if rain is None else rain[0],
                "hours_missing": None if rain is None else rain[1],
            }
        for on, sent in played.sent.items():
            of_date, *of_more = self._of(on)
            of_date.messages += sent.people
            for figures in (self.all, *of_more):
                figures.messages += sent.people
                figures.cost_yen += sent.cost_yen

    def store_rows(self) -> Iterator[Mapping[str, Any]]:
        """A row for each store."""
        for store in self._playback.stores:
            figures = self.by_store[store.no]
            last = figures.by_threshold[-1]
            yield {
                "store_id": encode_id("store", store.id),
                "store": store.name,
                "store_days": figures.store_days,
                "fired": figures.fired,
                "unknown": figures.unknown,
                "longest_run_days": longest_run(figures.fired_on),
                "station": self._gauge(store),
                "verified": last.fired,
                "wet": sum(last.hits.values()),
                "precision_ratio": _ratio(last.precision),
                "detection_ratio": _ratio(last.detection),
            }

    def result(self) -> dict[str, Any]:
        """The whole as a document, limited in size whatever was played."""
        playback = self._playback
        return {
            "weather_rule_id": encode_id("rule", playback.rule.id),
            "from": playback.first_on.isoformat(),
            "to": playback.last_on.isoformat(),
            "stores": len(playback.stores),
            "assumed": ["no_warnings"] if "warnings" in playback.player.needs else [],
            "attribution": ATTRIBUTION,
            **self._told(self.all),
            "fired_days": len(set(self.all.fired_on)),
            "longest_run_days": longest_run(self.all.fired_on),
            "reasons": {reason.value: count for reason, count in sorted(self.all.reasons.items())},
            "messages": self._messages(),
            "cost": self._cost(),
            "verification": self._verification(self.all) if self._is_of_rain else None,
            "years": [{"year": int(year), **self._told(one)} for year, one in sorted(self.by_year.items())],
            "months": [{"month": month, **self._told(one)} for month, one in sorted(self.by_month.items())],
            "calendar": [
                {"on": on.isoformat(), "stores": one.stores, "fired": one.fired, "unknown": one.unknown,
                 "messages": one.messages}
                for on, one in sorted(self.by_date.items())
            ],
            "by_store": [self._told_store(store) for store in self._playback.stores[:MOST_STORES]],
            "false_alarms": [_told_alarm(alarm) for alarm in self._alarms],
        }  # fmt: skip

    def _measure(self, store: PlayedStore, on: date, played: Played) -> tuple[float, int] | None:
        if not self._is_of_rain or not isinstance(store.spot, Spot):
            return None
        key = (store.spot, store.hours_key, on)
        if key not in self._rain:
            zone = self._playback.zone
            if (store.hours_key, on) not in self._days:
                openings = opening_hours.intervals(store.hours, on, zone)
                self._days[store.hours_key, on] = Day(on, openings, zone)
            found = played.records.days.get(store.spot, {})
            self._rain[key] = (
                measured_rain(found, self._days[store.hours_key, on], self._window) if self._gauge(store) else None
            )
        return self._rain[key]

    def _gauge(self, store: PlayedStore) -> str | None:
        return self._playback.gauges.get(store.spot) if isinstance(store.spot, Spot) else None

    def _of(self, on: date) -> tuple[Date, Figures, Figures]:
        """What a date counts to: itself, its month and its year."""
        if on not in self._dated:
            month = self.by_month.setdefault(f"{on:%Y-%m}", Figures())
            self._dated[on] = self.by_date.setdefault(on, Date()), month, self.by_year.setdefault(f"{on:%Y}", Figures())
        return self._dated[on]

    def _count(self, store: PlayedStore, on: date, day: StoreDay, rain: tuple[float, int] | None) -> None:
        fired, is_closed = day.decision is not None, day.reason is Reason.CLOSED
        wet = [is_wet(rain, threshold) for threshold in THRESHOLDS_MM]
        of_date, *of_more = self._of(on)
        of_date.stores += 1
        of_date.fired += fired
        of_date.unknown += day.reason in UNKNOWN
        for figures in (self.all, self.by_store[store.no], *of_more):
            figures.store_days += 1
            figures.reasons[day.reason] += 1
            if fired:
                figures.fired_on.append(on)
            if day.reason in UNKNOWN:
                figures.unknown_on.append(on)
            if not is_closed:
                for contingency, known in zip(figures.by_threshold, wet, strict=True):
                    if known is not None:
                        contingency.add(on, fired=fired, wet=known)
        if fired and wet[0] is False and rain is not None:
            self._alarms.append(Alarm(store, on, day, rain[0]))
            self._alarms.sort(key=_weight)
            del self._alarms[FALSE_ALARMS:]

    def _told(self, figures: Figures) -> dict[str, Any]:
        told: dict[str, Any] = {
            "store_days": figures.store_days,
            "fired": figures.fired,
            "fired_ratio": _share(figures.fired, figures.store_days),
            "unknown": figures.unknown,
            "unknown_ratio": _share(figures.unknown, figures.store_days),
        }
        if figures is not self.all:
            told |= {"messages": figures.messages, "cost_yen": round(figures.cost_yen)}
            if self._is_of_rain:
                told["verification"] = self._verification(figures)
        return told

    def _told_store(self, store: PlayedStore) -> dict[str, Any]:
        figures = self.by_store[store.no]
        return {
            "store_id": encode_id("store", store.id),
            "store_days": figures.store_days,
            "fired": figures.fired,
            "fired_on": [on.isoformat() for on in figures.fired_on],
            "unknown": figures.unknown,
            "unknown_on": [on.isoformat() for on in figures.unknown_on],
            "longest_run_days": longest_run(figures.fired_on),
            "reasons": {reason.value: count for reason, count in sorted(figures.reasons.items())},
            "gap": None if isinstance(store.spot, Spot) else store.spot.reason,
            "station": self._gauge(store),
            "verification": self._verification(figures) if self._is_of_rain and self._gauge(store) else None,
        }

    def _verification(self, figures: Figures) -> list[dict[str, Any]]:
        told = []
        for threshold, one in zip(THRESHOLDS_MM, figures.by_threshold, strict=True):
            interval = one.interval()
            hits, false_alarms = sum(one.hits.values()), sum(one.false_alarms.values())
            told.append(
                {
                    "threshold_mm": threshold,
                    "verified": one.fired,
                    "verified_days": one.days,
                    "hits": hits,
                    "false_alarms": false_alarms,
                    "misses": one.misses,
                    "correct_negatives": one.correct_negatives,
                    "precision_ratio": _ratio(one.precision),
                    "precision_low_ratio": _ratio(interval[0] if interval else None),
                    "precision_high_ratio": _ratio(interval[1] if interval else None),
                    "detection_ratio": _ratio(one.detection),
                    "false_alarm_ratio": _ratio(None if one.precision is None else 1 - one.precision),
                }
            )
        return told

    def _messages(self) -> dict[str, Any] | None:
        crowd = self._playback.crowd
        if crowd is None:
            return None
        month, most = max(
            ((month, one.messages) for month, one in self.by_month.items()), key=lambda pair: pair[1], default=(None, 0)
        )
        return {
            "total": self.all.messages,
            "people": crowd.count(frozenset(range(len(crowd.groups)))),
            "holdout_ratio": self._playback.rule.holdout_ratio,
            "busiest_month": month,
            "busiest_month_messages": most,
            "quota_limit": crowd.quota_limit,
            "quota_ratio": _ratio(most / crowd.quota_limit) if crowd.quota_limit else None,
        }

    def _cost(self) -> dict[str, Any] | None:
        use = self._playback.use
        if use is None:
            return None
        known = use.yen_per_copy
        return {
            "total_yen": None if known is None else round(self.all.cost_yen),
            "yen_per_copy": None if known is None else round(known, 2),
            "copies": use.copies,
            "redeemed_ratio": _share(use.redeemed, use.copies),
            "budget_yen": self._playback.rule.budget_yen,
        }


def _weight(alarm: Alarm) -> tuple[float, float, date, int]:
    """The surer a forecast that came to nothing, the worse."""
    assert alarm.day.decision is not None
    values = [one.reading.value for one in alarm.day.decision.leaves if one.reading.name == "precipitation_probability"]
    surest = max((float(value) for value in values if isinstance(value, int | float)), default=0.0)
    return -surest, alarm.rain_mm, alarm.business_on, alarm.store.no


def _told_alarm(alarm: Alarm) -> dict[str, Any]:
    assert alarm.day.decision is not None
    return {
        "store_id": encode_id("store", alarm.store.id),
        "business_on": alarm.business_on.isoformat(),
        "decided_at": write_instant(alarm.day.decided_at),
        "rain_mm": alarm.rain_mm,
        "readings": [describe(verdict, alarm.day.decided_at) for verdict in alarm.day.decision.leaves],
    }


def _share(part: int, whole: int) -> float | None:
    return _ratio(part / whole) if whole else None


def _ratio(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
