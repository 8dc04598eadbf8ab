"""A copy of a coupon as she shows it: what it gives, until when, where, and the code that a till reads."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from app.cards.barcodes import code128, draw_bars
from app.coupons.rotating import secret_of
from app.coupons.texts import tell_benefit
from app.liff.queries import Held, Spot
from tenants.sealing import BrandKey
from tenants.stores import opening_hours
from tenants.stores.models import Store

State = Literal["usable", "later", "used", "over"]
ORDER: Final[tuple[State, ...]] = ("usable", "later", "used", "over")
SOON: Final = timedelta(hours=48)
NEAR_KM: Final = 50.0
"""Beyond that nobody is told how far a store is."""


@dataclass(frozen=True)
class Ticket:
    """One copy, as its page needs it."""

    state: State
    code: str
    secret: str
    """By which her own page makes the rotating form of the code; in base64."""
    name: str
    benefit: dict[str, Any]
    min_spend_yen: int
    starts_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    used_in: str | None
    store_nos: frozenset[int] | None
    """The stores that take it; None: all of them."""
    times: dict[str, Any] | None
    """The times of the day and the week at which it is used, as the coupon has them."""
    priority: int
    spot: Spot | None = None
    """The one that is named."""
    stores_in_all: int = 0


def make_ticket(held: Held, key: BrandKey, now: datetime) -> Ticket:
    """What is shown of a copy."""
    copy, coupon = held.copy, held.coupon
    return Ticket(
        state=state_of(copy.status, copy.starts_at, copy.expires_at, now),
        code=copy.code,
        secret=b64encode(secret_of(key, copy.code)).decode(),
        name=coupon.name,
        benefit=coupon.benefit,
        min_spend_yen=coupon.min_spend_yen,
        starts_at=copy.starts_at,
        expires_at=copy.expires_at,
        redeemed_at=held.redeemed_at,
        used_in=held.store,
        store_nos=None if coupon.redeemable_store_nos is None else frozenset(coupon.redeemable_store_nos),
        times=coupon.usable_times,
        priority=coupon.priority,
    )


def state_of(status: str, starts_at: datetime, expires_at: datetime, now: datetime) -> State:
    """What can be done with a copy at this moment."""
    if status == "redeemed":
        return "used"
    if expires_at <= now:
        return "over"
    return "later" if starts_at > now else "usable"


def place_tickets(tickets: Sequence[Ticket], spots: Sequence[Spot]) -> list[Ticket]:
    """The tickets with the first of these stores that takes each: what can be used first, then by nearness, then by
    priority and end; what was used or has ended, the latest first."""
    placed = []
    for ticket in tickets:
        taking = [one for one in spots if ticket.store_nos is None or one.no in ticket.store_nos]
        placed.append(replace(ticket, spot=taking[0] if taking else None, stores_in_all=len(taking)))
    live = [one for one in placed if one.state in ("usable", "later")]
    past = [one for one in placed if one.state not in ("usable", "later")]
    live.sort(key=lambda one: (ORDER.index(one.state), _km(one), -one.priority, one.expires_at))
    past.sort(key=lambda one: one.redeemed_at or one.expires_at, reverse=True)
    return [*live, *past]


def _km(ticket: Ticket) -> float:
    known = ticket.spot is not None and ticket.spot.km is not None
    return ticket.spot.km or 0.0 if known and ticket.spot is not None else float("inf")


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "until": ("{at} まで", "Until {at}"),
    "soon": ("まもなく終了 {at} まで", "Ends soon: {at}"),
    "from": ("{at} から使えます", "Good from {at}"),
    "used": ("使用済み", "Used"),
    "used_at": ("{at} に {store} で使用しました", "Used on {at} at {store}"),
    "used_when": ("{at} に使用しました", "Used on {at}"),
    "over": ("終了", "Ended"),
    "over_at": ("有効期限が過ぎました（{at}）", "This has ended ({at})"),
    "spend": ("{yen:,}円以上のお会計で使えます", "For bills of {yen:,} yen and more"),
    "times": ("{times}に使えます", "To be used {times}"),
    "open": ("営業時間中", "while the store is open"),
    "show": ("お会計でこのコードを見せる", "Show the code at the till"),
    "qr": ("QRコード。30秒ごとに変わります", "QR code, which changes every 30 seconds"),
    "live": (
        "コードは30秒ごとに変わります。画面の写真では使えません。",
        "It changes every 30 seconds. A screenshot does not work.",
    ),
    "plain": ("読み取れないとき", "If it cannot be read"),
    "plain_how": ("スタッフにこの番号をお伝えください。", "Tell our staff this code."),
    "km": ("約{km:.1f}km", "about {km:.1f} km"),
    "any": ("ほか{count}店舗でも使えます", "and at {count} more stores"),
    "today": ("本日の営業時間 {hours}", "Open today {hours}"),
    "closed": ("本日はお休みです", "Closed today"),
    "map": ("地図でお店を見る", "Show the way on a map"),
    "no_store": ("使えるお店が、いまはありません", "No store takes it at the moment"),
}


class Drawing:
    """Draws tickets in one language, by one zone's clock."""

    def __init__(self, language: str, zone: ZoneInfo, now: datetime, stores: dict[int, Store]) -> None:
        self._is_english, self._zone, self._now, self._stores = language == "en", zone, now, stores
        self._days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun") if self._is_english else tuple("月火水木金土日")

    def say(self, text: str, **values: object) -> str:
        """A text, written safely."""
        return escape(_TEXTS[text][int(self._is_english)].format(**values))

    def at(self, moment: datetime) -> str:
        """A moment as people read it: the year only where it is another one."""
        there, now = moment.astimezone(self._zone), self._now.astimezone(self._zone)
        year = "" if there.year == now.year else f"{there.year}/"
        days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] if self._is_english else "月火水木金土日"
        return f"{year}{there.month}/{there.day}({days[there.weekday()]}) {there:%H:%M}"

    def ticket(self, one: Ticket, *, is_open: bool = False, is_named: bool = True) -> str:
        """A ticket; what can be used opens and shows its code."""
        told = tell_benefit(one.benefit)
        gives = escape(told.en if self._is_english else told.ja)
        name = f'<span class="called">{escape(one.name)}</span>' if is_named else ""
        face = f'<span class="gives">{gives}</span>{name}'
        if one.min_spend_yen:
            face += f'<span class="when">{self.say("spend", yen=one.min_spend_yen)}</span>'
        if one.times and one.state in ("usable", "later"):
            face += f'<span class="when">{self.say("times", times=self._times(one.times))}</span>'
        if one.state == "used":
            return self._gone(face, "used", self._tell_use(one))
        if one.state == "over":
            return self._gone(face, "over", self.say("over_at", at=self.at(one.expires_at)))
        if one.state == "later":
            when = f'<span class="when">{self.say("from", at=self.at(one.starts_at))}</span>'
            return f'<div class="ticket"><div class="face">{face}{when}{self._store(one)}</div></div>'
        ends = "soon" if one.expires_at - self._now < SOON else "until"
        when = f'<span class="when {ends}">{self.say(ends, at=self.at(one.expires_at))}</span>'
        return (
            f'<details class="ticket"{" open" if is_open else ""}><summary class="face">{face}{when}'
            f'<span class="cue">{self.say("show")}</span></summary>'
            f'<div class="inside">{self._code(one)}{self._store(one)}</div></details>'
        )

    def _times(self, times: Mapping[str, Any]) -> str:
        """Days, hours and opening hours, as far as the coupon names them."""
        named = [self._days[opening_hours.WEEKDAYS.index(day)] for day in times.get("weekdays") or ()]
        parts = [(", " if self._is_english else "・").join(named)] if named else []
        parts += [f"{begins}–{ends}" for begins, ends in times.get("hours") or ()]
        if times.get("within_opening_hours"):
            parts.append(_TEXTS["open"][int(self._is_english)])
        return (", " if self._is_english else " ").join(parts)

    def _gone(self, face: str, state: State, told: str) -> str:
        return (
            f'<div class="ticket gone"><div class="face"><span class="badge">{self.say(state)}</span>'
            f'{face}<span class="when">{told}</span></div></div>'
        )

    def _tell_use(self, one: Ticket) -> str:
        if one.redeemed_at is None:
            return self.say("used")
        if one.used_in is None:
            return self.say("used_when", at=self.at(one.redeemed_at))
        return self.say("used_at", at=self.at(one.redeemed_at), store=one.used_in)

    def _code(self, one: Ticket) -> str:
        grouped = " ".join(one.code[at : at + 4] for at in range(0, len(one.code), 4))
        return (
            f'<div class="rotating" hidden data-code="{escape(one.code)}" data-secret="{escape(one.secret)}">'
            f'<div class="picture" role="img" aria-label="{self.say("qr")}"></div>'
            f'<div class="timer" aria-hidden="true"></div><p class="small">{self.say("live")}</p></div>'
            f'<details class="plain"><summary>{self.say("plain")}</summary>{draw_bars(code128(one.code))}'
            f'<p class="code">{escape(grouped)}</p><p class="small">{self.say("plain_how")}</p></details>'
        )

    def _store(self, one: Ticket) -> str:
        store = self._stores.get(one.spot.no) if one.spot is not None else None
        if one.spot is None or store is None:
            return f'<div class="store"><p>{self.say("no_store")}</p></div>'
        away = f" {self.say('km', km=one.spot.km)}" if one.spot.km is not None and one.spot.km < NEAR_KM else ""
        lines = [f"<p><strong>{escape(store.name)}</strong>{away}</p>"]
        if store.address:
            lines.append(f"<p>{escape(store.address)}</p>")
        if store.opening_hours is not None:
            lines.append(f"<p>{self._hours(store)}</p>")
        if store.latitude is not None and store.longitude is not None:
            address = f"https://www.google.com/maps/search/?api=1&query={store.latitude:.6f},{store.longitude:.6f}"
            lines.append(f'<p><a href="{escape(address)}" rel="noreferrer">{self.say("map")}</a></p>')
        if one.stores_in_all > 1:
            lines.append(f'<p class="small">{self.say("any", count=one.stores_in_all - 1)}</p>')
        return f'<div class="store">{"".join(lines)}</div>'

    def _hours(self, store: Store) -> str:
        on = opening_hours.business_day(store.opening_hours, self._now, self._zone)
        spans = opening_hours.intervals(store.opening_hours, on, self._zone)
        if not spans:
            return self.say("closed")
        there = [(begins.astimezone(self._zone), ends.astimezone(self._zone)) for begins, ends in spans]
        told = ", ".join(f"{begins:%H:%M}–{_clock(ends, begins)}" for begins, ends in there)
        return self.say("today", hours=told)


def _clock(ends: datetime, begins: datetime) -> str:
    """The end of an opening on its business day's clock: two at night is 26:00."""
    hours = ends.hour + 24 * (ends.date() - begins.date()).days
    return f"{hours:02}:{ends.minute:02}"
