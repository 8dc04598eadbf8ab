"""What an auto-reply says to one person: its words with a copy of hers, or the other ones."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.auto_replies import queries
from app.auto_replies.models import AutoReply
from app.coupons import issuing
from app.coupons import queries as coupons
from app.coupons.issuing import Via
from app.coupons.models import Coupon, IssuedCoupon
from app.customers.models import Customer
from app.customers.queries import map_survivors
from app.customers.summary import find_home
from app.messaging.holdouts import is_held_out
from app.messaging.safety.queries import map_standing
from app.weather.models import WeatherRule
from app.weather.sending import season_of
from tenants.brands.queries import get_brand
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store

_ON: Final = {"fired", "already_fired"}
"""The reasons of a decision by which a rule that is on gives its coupon. Not those that keep it back though its
condition holds: cooldown, budget, another rule before it, a store that closes, a safety stop."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Which of an auto-reply's words are said, and the copy that they name."""

    is_otherwise: bool
    issued_coupon_id: UUID | None = None


_OTHERWISE: Final = Answer(is_otherwise=True)


def has_terms(auto_reply: AutoReply) -> bool:
    """Whether what it says depends on a coupon or on the weather."""
    return auto_reply.coupon_id is not None or auto_reply.weather_rule_id is not None


def answer(
    session: ScopedSession,
    auto_reply: AutoReply,
    customer: Customer,
    *,
    account: LineAccount,
    stores: tuple[Store, ...],
    now: datetime,
) -> Answer:
    """What she is answered at an account that speaks for these stores. Needs a session of the whole brand.

    A coupon is given now, once for her and day; its tally stays locked. While a weather rule is not on for her store,
    for whom it holds out, and where no copy can be had, the other words are said.
    """
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    rule, on, coupon_id = None, now.astimezone(zone).date(), auto_reply.coupon_id
    if auto_reply.weather_rule_id is not None:
        rule = queries.find_live_rule(session, auto_reply.weather_rule_id)
        since = None if rule is None else find_on(session, rule, customer, stores, zone=zone, now=now)
        if rule is None or since is None:
            return _OTHERWISE
        if is_held_out(customer.id, rule.holdout_ratio, f"{rule.id}:{season_of(since)}"):
            return _OTHERWISE
        on, coupon_id = since, coupon_id or rule.coupon_id
    if coupon_id is None:
        return Answer(is_otherwise=False)
    try:
        coupon = coupons.get_coupon(session, coupon_id)
    except NotFound:
        return _OTHERWISE
    via = Via(account.no, stores[0].no if len(stores) == 1 else None)
    copy = _give(session, auto_reply, coupon, customer, rule=rule, on=on, zone=zone, via=via, now=now)
    return _OTHERWISE if copy is None else Answer(is_otherwise=False, issued_coupon_id=copy.id)


def find_on(
    session: ScopedSession,
    rule: WeatherRule,
    customer: Customer,
    stores: tuple[Store, ...],
    *,
    zone: ZoneInfo,
    now: datetime,
) -> date | None:
    """The business day of her store for which a rule is on by its last decision; None where it is not.

    Her store is her home store if it is one of these, else any of them. Nobody is invited to a store under a safety
    stop.
    """
    home = find_home(customer, session.scope)
    hers = [store for store in stores if home is not None and store.no == home.store_no] or list(stores)
    stopped = map_standing(session)
    today = {
        store.no: opening_hours.business_day(store.opening_hours, now, zone)
        for store in hers
        if store.no not in stopped
    }
    if not today:
        return None
    concluded = queries.list_concluded(session, rule.id, today.keys(), min(today.values()) - timedelta(days=1))
    for one in concluded:
        if one.is_on and one.reason in _ON and one.business_on == today[one.store_no]:
            return one.business_on
    return None


def _give(
    session: ScopedSession,
    auto_reply: AutoReply,
    coupon: Coupon,
    customer: Customer,
    *,
    rule: WeatherRule | None,
    on: date,
    zone: ZoneInfo,
    via: Via,
    now: datetime,
) -> IssuedCoupon | None:
    """Her copy of this day: what the rule's own sending gave her, or this auto-reply before, else a new one.

    None where she has used it, or a cap keeps it from her.
    """
    copy = None if rule is None else _find_sent(session, coupon, customer, rule, on, zone)
    if copy is None:
        source = f"auto_reply:{encode_id('arep', auto_reply.id)}:{on.isoformat()}"
        rule_id = None if rule is None else rule.id
        [outcome] = issuing.issue(
            session,
            coupon,
            [customer.id],
            source=source,
            scope=session.scope,
            via=via,
            weather_rule_id=rule_id,
            now=now,
        )
        copy = outcome.issued
    return copy if copy is not None and copy.status == "issued" and copy.expires_at > now else None


def _find_sent(
    session: ScopedSession, coupon: Coupon, customer: Customer, rule: WeatherRule, on: date, zone: ZoneInfo
) -> IssuedCoupon | None:
    """The copy that she was given by the rule on this business day."""
    began_at = opening_hours.instant(on, 0, zone)
    copies = coupons.list_copies_of(session, coupon.id, map_survivors(session, [customer.id]))
    sent = (one for one in copies if one.weather_rule_id == rule.id and one.created_at >= began_at)
    return max(sent, key=lambda one: one.created_at, default=None)
