"""What her card says of points: how many, her rank and the next one, what expires first, and what she did lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from app.coupons.texts import tell_benefit
from app.customers.queries import list_ids_of
from app.liff.queries import list_held
from app.loyalty import queries
from app.loyalty.models import PointEntry
from app.loyalty.standing import show
from tenants.session import ScopedSession
from tenants.stores.models import Store

MOST_LINES: Final = 20
REMEMBERED: Final = timedelta(days=365)


@dataclass(frozen=True)
class StandingShown:
    """How she stands, in words."""

    points: str
    rank: str | None
    notes: list[str]


@dataclass(frozen=True)
class LineShown:
    """One line of her history."""

    at: str
    text: str
    value: str


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "debt": (
        "{debt:,}ポイントのマイナスがあります。次にたまるポイントから差し引かれます。",
        "{debt:,} points are owed: the next ones pay them off.",
    ),
    "expires": ("{points:,}ポイントは {on} まで", "{points:,} points expire after {on}"),
    "next_spend": ("あと{left:,}円のお買い物で「{rank}」", "{left:,} yen more and you are {rank}"),
    "next_points": ("あと{left:,}ポイントで「{rank}」", "{left:,} points more and you are {rank}"),
    "points": ("{points:+,} pt", "{points:+,} pt"),
    "earn": ("ポイント獲得", "Points earned"),
    "spend": ("ポイント利用", "Points used"),
    "expire": ("ポイント失効", "Points expired"),
    "adjust": ("ポイント調整", "Points corrected"),
    "refund": ("返品によるポイント取消", "Points taken back after a refund"),
    "return": ("ポイント返却", "Points given back"),
    "used": ("クーポン利用", "Coupon used"),
}


class Telling:
    """Tells of points in one language, by one zone's clock."""

    def __init__(self, language: str, zone: ZoneInfo, now: datetime) -> None:
        self._is_english, self._zone, self._now = language == "en", zone, now

    def _say(self, text: str, **values: object) -> str:
        return _TEXTS[text][int(self._is_english)].format(**values).replace("-", "−")

    def _on(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%Y/%m/%d}"

    def standing(self, session: ScopedSession, customer_id: UUID) -> StandingShown | None:
        """How she stands; None where the brand has no programme."""
        found = show(session, customer_id, tells_all=True, now=self._now)
        if found.points is None:
            return None
        notes = [self._say("debt", debt=found.debt)] if found.debt else []
        if (ending := found.next_expiry) is not None:
            # What ends at midnight is good until the day before has passed.
            last_on = self._on(ending.expires_at - timedelta(microseconds=1))
            notes.append(self._say("expires", points=ending.points, on=last_on))
        if (coming := found.next_rank) is not None and coming.missing is not None:
            programme = queries.find_programme(session, self._now)
            by = programme.rules["ranks"]["by"] if programme is not None else "spend"
            name = coming.name_en if self._is_english else coming.name_ja
            notes.append(self._say(f"next_{by}", left=coming.missing, rank=name))
        rank = None
        if found.rank is not None:
            rank = found.rank.name_en if self._is_english else found.rank.name_ja
        return StandingShown(f"{found.points:,}", rank, notes)

    def history(self, session: ScopedSession, customer_id: UUID) -> Sequence[LineShown]:
        """What she did lately, newest first: points that came and went, coupons that she used."""
        lines: list[tuple[datetime, LineShown]] = []
        wanted = queries.list_entries(session, queries.Filters(customer_id=customer_id))
        entries = session.exec(wanted.order_by(col(PointEntry.id).desc()).limit(MOST_LINES)).all()
        nos = {one.store_no for one in entries if one.store_no is not None}
        names = dict(session.exec(select(Store.no, Store.name).where(col(Store.no).in_(nos))).all())
        for entry in entries:
            text = " ・ ".join(filter(None, [self._say(entry.kind), names.get(entry.store_no)]))
            value = self._say("points", points=entry.delta)
            lines.append((entry.occurred_at, LineShown(self._on(entry.occurred_at), text, value)))
        for held in list_held(session, list_ids_of(session, customer_id), since=self._now - REMEMBERED):
            if held.redeemed_at is not None:
                told = tell_benefit(held.coupon.benefit)
                text = " ・ ".join(filter(None, [self._say("used"), held.store]))
                value = told.en if self._is_english else told.ja
                lines.append((held.redeemed_at, LineShown(self._on(held.redeemed_at), text, value)))
        lines.sort(key=lambda one: one[0], reverse=True)
        return [line for _, line in lines[:MOST_LINES]]
