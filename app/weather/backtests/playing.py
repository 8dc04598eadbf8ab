"""A rule and its rivals played side by side over a period, with the people they would reach and the money they cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.weather import queries
from app.weather.archive.reading import list_arrivals
from app.weather.backtests.people import Crowd, read_crowd
from app.weather.backtests.queries import PastUse, get_past_use
from app.weather.backtests.records import find_gauges, read_records, stretches
from app.weather.backtests.replay import Claims, PlayedStore, Player, Records, StoreDay, note
from app.weather.decisions import compile_rule, stores_of_rules
from app.weather.models import WeatherRule
from app.weather.places import Spot, find_spots
from app.weather.sites import Site
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.opening_hours import DAY_MINUTES, LATEST_CLOSING, find_minutes, instant

STRETCH_DAYS: Final = 31
"""So much is read, played and written at once."""

EARLIEST: Final = LATEST_CLOSING - DAY_MINUTES
"""From six in the morning on the business day is the date's own."""


@dataclass(slots=True)
class Sent:
    """What a business day's firings would have sent, over all stores together."""

    people: int = 0
    cost_yen: float = 0.0


@dataclass(slots=True)
class Played:
    """What a stretch of business days came to."""

    days: dict[tuple[int, date], StoreDay]
    """By store number and business day."""
    sent: dict[date, Sent]
    records: Records


@dataclass
class Playback:
    """A rule on its way through a period, with all that is looked up once. `advance` plays the next stretch."""

    rule: WeatherRule
    stores: Sequence[PlayedStore]
    first_on: date
    last_on: date
    zone: ZoneInfo
    gauges: Mapping[Spot, str | None]
    player: Player
    rivals: Sequence[Player]
    """The brand's other live rules that may be first somewhere, by their rank."""
    crowd: Crowd | None
    use: PastUse | None
    """Of the rule's coupon."""
    is_before: frozenset[UUID]
    """The rivals that rank before the rule."""
    _claims: Claims = field(default_factory=dict)
    _days: dict[tuple[int, date], StoreDay] = field(default_factory=dict)
    _sent: dict[date, Sent] = field(default_factory=dict)
    _reached: dict[date, frozenset[int]] = field(default_factory=dict)
    _spent_yen: dict[tuple[int, int], float] = field(default_factory=dict)

    @property
    def store_days(self) -> int:
        """How many business days of stores there are to play."""
        return len(self.stores) * ((self.last_on - self.first_on).days + 1)

    def stretches(self) -> list[tuple[date, date]]:
        """The stretches to play, in order. The last ends a day late: past midnight it is still the day before."""
        return stretches(self.first_on, self.last_on + timedelta(days=1), STRETCH_DAYS)

    def read(self, session: Session, first_on: date, last_on: date) -> Records:
        """What a stretch is played on."""
        players = (self.player, *self.rivals)
        corrections: Sequence[datetime] = ()
        if any(player.is_late for player in players):
            districts = {spot.class10 for spot in self.gauges}
            begins_at, ends_at = instant(first_on, 0, self.zone), instant(last_on, DAY_MINUTES, self.zone)
            corrections = list_arrivals(session, districts, begins_at, ends_at)
        moments = sorted({at for _, at in self._turns(first_on, last_on, corrections)})
        needs = frozenset[str]().union(*(player.needs for player in players))
        records = read_records(session, self.gauges, moments, needs=needs, first_on=first_on, last_on=last_on)
        return replace(records, corrections=corrections)

    def advance(self, records: Records, first_on: date, last_on: date) -> Played:
        """Play a stretch; answers the business days that nothing later can change."""
        for player, moment in self._turns(first_on, last_on, records.corrections):
            spent = player is self.player and self._is_spent(moment)
            concluded = player.decide(moment, records, self._claims, is_spent=spent)
            if player is self.player:
                note(self._days, concluded, moment)
                fired: dict[date, set[int]] = {}
                for store, decision in concluded:
                    if decision.fired:
                        fired.setdefault(decision.business_on, set()).add(store.no)
                for business_on, store_nos in fired.items():
                    self._send(frozenset(store_nos), business_on, moment)
        # The stretch's last day is not over: it may go on past midnight.
        until = last_on if last_on <= self.last_on else self.last_on + timedelta(days=1)
        return self._hand_over(until, records)

    def _turns(
        self, first_on: date, last_on: date, corrections: Sequence[datetime]
    ) -> Iterator[tuple[Player, datetime]]:
        """Which rule decides when, in order: at one moment by rank."""
        ahead = [one for one in self.rivals if one.rule_id in self.is_before]
        behind = [one for one in self.rivals if one.rule_id not in self.is_before]
        players = [*ahead, self.player, *behind]
        turns = [
            (at, rank) for rank, player in enumerate(players) for at in player.moments(first_on, last_on, corrections)
        ]
        return ((players[rank], at) for at, rank in sorted(turns))

    def _send(self, store_nos: frozenset[int], business_on: date, moment: datetime) -> None:
        """Count whom a firing reaches that no earlier one of the business day has, and what their coupons cost."""
        if self.crowd is None:
            return
        before = self._reached.get(business_on, frozenset())
        now = self.crowd.reached(store_nos) - before
        self._reached[business_on] = before | now
        people = round(self.crowd.count(now) * (1 - self.rule.holdout_ratio))
        cost = people * ((self.use.yen_per_copy if self.use else None) or 0.0)
        sent = self._sent.setdefault(business_on, Sent())
        sent.people += people
        sent.cost_yen += cost
        month = _month_of(moment, self.zone)
        self._spent_yen[month] = self._spent_yen.get(month, 0.0) + cost

    def _is_spent(self, moment: datetime) -> bool:
        budget = self.rule.budget_yen
        return budget is not None and self._spent_yen.get(_month_of(moment, self.zone), 0.0) >= budget

    def _hand_over(self, until: date, records: Records) -> Played:
        days = {key: day for key, day in self._days.items() if key[1] < until}
        sent = {on: one for on, one in self._sent.items() if on < until}
        for key in days:
            del self._days[key]
        for on in sent:
            del self._sent[on]
            self._reached.pop(on, None)
        for claim in [claim for claim in self._claims if claim[1] < until]:
            del self._claims[claim]
        return Played(days, sent, records)


def prepare(
    session: ScopedSession,
    rule: WeatherRule,
    first_on: date,
    last_on: date,
    now: datetime,
    *,
    only: Sequence[UUID] | None = None,
    counts_people: bool = True,
) -> Playback:
    """A rule made ready to be played over these business days, for its stores that the session sees (or `only` these).

    The rule need not be saved. Its rivals are the brand's other live rules. Without `counts_people` nobody is counted,
    and a budget holds nothing back.
    """
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    ranked = sorted(
        [rule, *(one for one in queries.list_live_rules(session) if one.id != rule.id)],
        key=lambda one: (-one.priority, one.id),
    )
    stores_of = dict(zip((one.id for one in ranked), stores_of_rules(session, ranked, only), strict=True))
    mine = {store.id for store in stores_of[rule.id]}
    spots = find_spots(session, stores_of[rule.id])

    def player_of(row: WeatherRule, stores: Sequence[PlayedStore]) -> Player:
        times = (find_minutes(clock) for clock in row.decide_times)
        return Player(
            row.id,
            compile_rule(row),
            (minutes for minutes in times if minutes is not None),
            stores,
            first_on=first_on,
            last_on=last_on,
            zone=zone,
            confirmed_on=row.season_confirmed_on,
            late_until=find_minutes(row.late_until),
        )

    def play_at(listed: Sequence[Site]) -> list[PlayedStore]:
        at = [store for store in listed if store.id in mine]
        return [PlayedStore.of(one.no, one.id, one.name, spots[one.id], one.opening_hours) for one in at]

    stores = play_at(stores_of[rule.id])
    player = player_of(rule, stores)
    place = next(no for no, one in enumerate(ranked) if one.id == rule.id)
    rivals = [player_of(row, play_at(stores_of[row.id])) for row in ranked if row.id != rule.id]
    before = frozenset(row.id for row in ranked[:place])
    use = get_past_use(session, rule.coupon_id, now) if rule.coupon_id and counts_people else None
    return Playback(
        rule=rule,
        stores=stores,
        first_on=first_on,
        last_on=last_on,
        zone=zone,
        gauges=find_gauges(session, (spot for spot in spots.values() if isinstance(spot, Spot))),
        player=player,
        rivals=[one for one in rivals if one.stores and _may_be_first(one, player, one.rule_id in before)],
        crowd=read_crowd(session, rule, [store.no for store in stores], now) if counts_people else None,
        use=use,
        is_before=before,
    )


def play(session: ScopedSession, playback: Playback) -> Iterator[Played]:
    """All of a playback, stretch by stretch, in the session's own transaction."""
    for first_on, last_on in playback.stretches():
        yield playback.advance(playback.read(session, first_on, last_on), first_on, last_on)


def _may_be_first(rival: Player, player: Player, ranks_before: bool) -> bool:
    """Whether a rival can have a day before the rule has it: by its rank, or by deciding earlier."""
    if not rival.times or not player.times:
        return False
    if (
        rival.is_late
        or player.is_late
        or any(not EARLIEST <= minutes < DAY_MINUTES for minutes in (*rival.times, *player.times))
    ):
        return True  # past midnight it depends on the opening hours which day it is; late, on the forecasts
    return rival.times[0] < player.times[-1] or (ranks_before and rival.times[0] == player.times[-1])


def _month_of(moment: datetime, zone: ZoneInfo) -> tuple[int, int]:
    local = moment.astimezone(zone)
    return local.year, local.month
