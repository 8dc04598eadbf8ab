"""The calendar: what goes when, and what gets into each other's way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.campaigns.life import queries
from app.campaigns.life.schemas import CalendarDay, CalendarEntry, CalendarRead, Clash
from app.campaigns.models import Campaign
from app.messaging.queries import list_sending_accounts
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.ids import decode_id
from tenants.problems import Invalid
from tenants.session import ScopedSession

LONGEST_DAYS: Final = 62


@dataclass(frozen=True)
class Planned:
    """A campaign with its moment, and the accounts that may speak in it."""

    campaign: Campaign
    at: datetime
    on: date
    account_nos: frozenset[int]


def read_calendar(session: ScopedSession, first: date, last: date) -> CalendarRead:
    """What is scheduled, is being sent or was sent on these days, with clashes. Raises Invalid for too many days."""
    if first > last:
        raise Invalid.at("/query/from", f"Must not come after the last day, {last}.")
    if (last - first).days >= LONGEST_DAYS:
        raise Invalid.at("/query/from", f"The period must be {LONGEST_DAYS} days or shorter.")
    brand = get_brand(session, session.scope.brand_id)
    caps = brand.caps.get("per_customer", ())
    look_back = timedelta(days=max((cap["days"] for cap in caps), default=1) - 1)
    ids, planned = _list_planned(session, brand, first - look_back, last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    by_day = {day: [one for one in planned if one.on == day] for day in days}
    items = [
        CalendarDay(
            on=day,
            entries=[_show(one, ids) for one in of_day],
            clashes=[*_find_crowded(of_day, ids), *_find_capped(day, planned, caps, ids)],
        )
        for day, of_day in by_day.items()
        if of_day
    ]
    return CalendarRead(from_=first, to=last, items=items)


def _list_planned(
    session: ScopedSession, brand: Brand, first: date, last: date
) -> tuple[dict[int, UUID], list[Planned]]:
    """The accounts by number, and the campaigns of these days in the order of their moments."""
    zone = ZoneInfo(brand.timezone)
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    accounts = list_sending_accounts(session)
    stores_of = {account.no: frozenset(account.store_nos) for account in accounts}
    ids = {account.no: account.id for account in accounts}
    places = _Places(session, {account_id: no for no, account_id in ids.items()}, stores_of)
    planned = []
    for campaign in queries.list_between(session, begin, end):
        at = campaign.launched_at or campaign.scheduled_at
        if at is not None:
            planned.append(Planned(campaign, at, at.astimezone(zone).date(), places.find_accounts(campaign)))
    return ids, sorted(planned, key=lambda one: (one.at, one.campaign.id))


class _Places:
    """Which accounts may speak for an audience, with all places looked up beforehand."""

    def __init__(
        self, session: ScopedSession, no_of: Mapping[UUID, int], stores_of: Mapping[int, frozenset[int]]
    ) -> None:
        self.no_of, self.stores_of = no_of, stores_of
        self.store_nos = queries.map_store_nos(session)
        self.areas = queries.map_area_stores(session)

    def find_accounts(self, campaign: Campaign) -> frozenset[int]:
        """The numbers of the accounts that may speak in a campaign; what it names and is not there counts for none."""
        asked: dict[str, Any] = campaign.audience
        found = frozenset(self.stores_of)
        if (named := asked.get("line_account_ids")) is not None:
            found &= {self.no_of[one] for one in _read(named, "acc") if one in self.no_of}
        stores: set[int] | None = None
        if (named := asked.get("store_ids")) is not None:
            stores = {self.store_nos[one] for one in _read(named, "store") if one in self.store_nos}
        if (named := asked.get("area_ids")) is not None:
            in_areas = set().union(*(self.areas.get(one, frozenset()) for one in _read(named, "area")))
            stores = in_areas if stores is None else stores | in_areas
        if campaign.store_no is not None:
            stores = {campaign.store_no} if stores is None else stores & {campaign.store_no}
        return found if stores is None else frozenset(no for no in found if not stores.isdisjoint(self.stores_of[no]))


def _read(ids: Iterable[str], prefix: str) -> list[UUID]:
    return [decode_id(prefix, one) for one in ids]


def _show(one: Planned, ids: Mapping[int, UUID]) -> CalendarEntry:
    return CalendarEntry(
        campaign_id=one.campaign.id,
        name=one.campaign.name,
        status=one.campaign.status,
        at=one.at,
        store_id=one.campaign.store_id,
        line_account_ids=[ids[no] for no in sorted(one.account_nos)],
    )


def _find_crowded(of_day: Sequence[Planned], ids: Mapping[int, UUID]) -> list[Clash]:
    """Accounts from which several campaigns go on one day."""
    return _group("same_day", of_day, ids, least=2)


def _find_capped(
    day: date, planned: Sequence[Planned], caps: Sequence[Mapping[str, int]], ids: Mapping[int, UUID]
) -> list[Clash]:
    """Accounts from which more campaigns come, up to a day on which one goes, than a cap lets through to one person."""
    clashes = []
    for cap in caps:
        since = day - timedelta(days=cap["days"] - 1)
        recent = [one for one in planned if since <= one.on <= day]
        for clash in _group("cap", recent, ids, least=cap["messages"] + 1):
            today = {one.campaign.id for one in recent if one.on == day}
            if not today.isdisjoint(clash.campaign_ids):
                clashes.append(clash.model_copy(update={"messages": cap["messages"], "days": cap["days"]}))
    return clashes


def _group(
    kind: Literal["same_day", "cap"], planned: Sequence[Planned], ids: Mapping[int, UUID], *, least: int
) -> list[Clash]:
    """Accounts with at least so many campaigns, those together that have the same ones."""
    of_account: defaultdict[int, list[UUID]] = defaultdict(list)
    for one in planned:
        for no in one.account_nos:
            of_account[no].append(one.campaign.id)
    together: defaultdict[tuple[UUID, ...], list[int]] = defaultdict(list)
    for no, campaign_ids in sorted(of_account.items()):
        if len(campaign_ids) >= least:
            together[tuple(campaign_ids)].append(no)
    return [
        Clash(
            kind=kind,
            campaign_ids=list(campaign_ids),
            line_account_ids=[ids[no] for no in nos],
            messages=None,
            days=None,
        )
        for campaign_ids, nos in together.items()
    ]
