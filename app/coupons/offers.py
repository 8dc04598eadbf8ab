"""Offers: make, change and archive coupons, and show them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.coupons import issue_limits, limits, queries
from app.coupons.line_coupons import service as line_coupons
from app.coupons.line_coupons.models import LineCoupon
from app.coupons.line_coupons.queries import map_shown
from app.coupons.line_coupons.service import SHOWN
from app.coupons.line_coupons.tasks import defer_due
from app.coupons.models import Coupon, CouponBudget, CouponTally
from app.coupons.schemas import Benefit, CouponCopy, CouponCreate, CouponRead, CouponStatsRead, CouponUpdate, Validity
from app.coupons.texts import tell_benefit
from app.coupons.validity import find_span
from app.messaging.render import check_messages
from tenants.areas import queries as areas
from tenants.ids import decode_id, encode_id
from tenants.problems import Conflict, Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

_CHOICES = ("store_ids", "area_ids", "all_stores")
_BENEFITS = {
    "amount_off": ("amount_yen",),
    "percent_off": ("percent", "most_yen"),
    "free_item": ("item", "amount_yen"),
    "gift": ("item", "amount_yen"),
    "service": ("item", "amount_yen"),
    "early_access": ("item",),
}
"""What each kind of benefit says; the first is required."""

_PLAIN = {
    "name",
    "min_spend_yen",
    "combinable",
    "combinable_with",
    "priority",
    "occasion",
    "welcome_messages",
    "line_coupon",
}
"""What a change just writes."""
_MAY_BE_NULL = {"limits", "combinable_with", "usable_times", "occasion", "welcome_messages"}
_OWN = {
    "brand_id", "id", "created_at", "name", "is_template", "occasion", "welcome_messages", "archived_at", "store_id",
    "store_no",
}  # fmt: skip
"""What a copy does not take over."""
WELCOME_VARIABLES = frozenset(
    {
        "customer.name", "store.name", "brand.name", "coupon.name", "coupon.code", "coupon.expires_at", "coupon.url",
    }
)  # fmt: skip


def create_coupon(session: ScopedSession, body: CouponCreate, *, owner: Store | None, now: datetime) -> Coupon:
    """Make an offer, of a store or (None) of head office. Raises Invalid with pointers."""
    coupon = Coupon(
        created_at=now,
        name=body.name,
        benefit=_benefit(body.benefit),
        validity=_validity(body.validity, queries.zone_of(session)),
        limits=body.limits.model_dump(),
        min_spend_yen=body.min_spend_yen,
        funding=body.funding.model_dump(),
        combinable=body.combinable,
        combinable_with=body.combinable_with,
        priority=body.priority,
        usable_times=None if body.usable_times is None else body.usable_times.model_dump(),
        is_template=body.is_template,
        occasion=body.occasion,
        welcome_messages=body.welcome_messages,
        line_coupon=body.line_coupon,
    )
    if owner is not None:
        coupon.store_id, coupon.store_no = owner.id, owner.no
    _place(session, coupon, body)
    check_whole(coupon)
    add_coupon(session, coupon)
    _render(session, coupon, now)
    return coupon


def _render(session: ScopedSession, coupon: Coupon, now: datetime) -> None:
    """Have what stands of an offer at LINE follow it."""
    defer_due(session, line_coupons.follow(session, coupon, now))


def add_coupon(session: ScopedSession, coupon: Coupon) -> Coupon:
    """Put a coupon's row in, and the counters that every coupon has."""
    session.add(coupon)
    session.flush()
    budget = CouponBudget(coupon_id=coupon.id, is_counted=limits.counts_places(coupon))
    session.add_all((CouponTally(coupon_id=coupon.id), budget))
    session.flush()
    return coupon


def change_coupon(session: ScopedSession, coupon: Coupon, body: CouponUpdate, *, now: datetime) -> Coupon:
    """Change an offer. Raises Invalid, or Conflict when copies promise a benefit that would change."""
    given = body.model_fields_set
    for name in given - set(_CHOICES) - _MAY_BE_NULL:
        if getattr(body, name) is None:
            raise Invalid.at(f"/{name}", "Must not be null.")
    reserved_before = coupon.limits.get("reserve")
    before = coupon.model_dump(include=set(SHOWN))
    if body.benefit is not None:
        benefit = _benefit(body.benefit)
        if benefit != coupon.benefit and queries.lock_tally(session, coupon.id).issued:
            raise Conflict("Customers hold copies of this coupon; what it gives cannot change any more.")
        coupon.benefit = benefit
    if body.validity is not None:
        coupon.validity = _validity(body.validity, queries.zone_of(session))
    if "limits" in given:
        coupon.limits = _merge_limits(coupon.limits, body)
    for name in given & _PLAIN:
        setattr(coupon, name, getattr(body, name))
    if "usable_times" in given:
        coupon.usable_times = None if body.usable_times is None else body.usable_times.model_dump()
    if body.funding is not None:
        coupon.funding = body.funding.model_dump()
    if given & set(_CHOICES):
        _place(session, coupon, body)
    check_whole(coupon)
    line_coupons.check_change(session, coupon, [name for name in SHOWN if getattr(coupon, name) != before[name]])
    if "limits" in given:
        _check_reserve(session, coupon, reserved_before)
    session.add(coupon)
    session.flush()
    if given & {"line_coupon", *_CHOICES}:
        _render(session, coupon, now)
    return coupon


def copy_coupon(
    session: ScopedSession, coupon: Coupon, body: CouponCopy, *, owner: Store | None, now: datetime
) -> Coupon:
    """A new offer like this one, of a store or (None) of head office; no copies of it are issued yet.

    A store's is redeemed at that store. What makes us give copies unasked stays with the first.
    """
    made = Coupon(**{name: value for name, value in coupon.model_dump().items() if name not in _OWN}, created_at=now)
    made.name, made.is_template = body.name or coupon.name, body.is_template
    if owner is not None:
        made.store_id, made.store_no = owner.id, owner.no
        made.redeemable_store_nos, made.area_ids = [owner.no], None
    add_coupon(session, made)
    _render(session, made, now)
    return made


def archive_coupon(session: ScopedSession, coupon: Coupon, now: datetime) -> None:
    """Issue no more copies; those in customers' hands are still good."""
    coupon.archived_at = now
    session.add(coupon)
    session.flush()
    _render(session, coupon, now)


def read_coupon(session: ScopedSession, coupon: Coupon) -> CouponRead:
    """A coupon as the session's scope sees it."""
    return read_coupons(session, [coupon])[0]


def read_coupons(session: ScopedSession, coupons: Sequence[Coupon]) -> list[CouponRead]:
    """Coupons as the session's scope sees them; stores outside it are not shown."""
    nos = {no for coupon in coupons if not coupon.area_ids for no in coupon.redeemable_store_nos or ()}
    stores = queries.map_store_ids(session, nos)
    at_line = map_shown(session, [coupon.id for coupon in coupons])
    return [_read(coupon, stores, at_line.get(coupon.id, ())) for coupon in coupons]


def _read(coupon: Coupon, stores: dict[int, UUID], at_line: Sequence[LineCoupon]) -> CouponRead:
    nos = coupon.redeemable_store_nos
    store_ids = None if nos is None or coupon.area_ids else [stores[no] for no in nos if no in stores]
    told = tell_benefit(coupon.benefit)
    shown: dict[str, Any] = coupon.model_dump() | {
        "store_ids": store_ids,
        "area_ids": [decode_id("area", text) for text in coupon.area_ids] if coupon.area_ids else None,
        "all_stores": nos is None,
        "benefit_text": told.en,
        "benefit_text_ja": told.ja,
        "line_coupons": at_line,
    }
    return CouponRead.model_validate(shown)


def stats(session: ScopedSession, coupon: Coupon, now: datetime) -> CouponStatsRead:
    """What became of a coupon: in the brand by its counters, in a store's scope by the rows that it sees."""
    remaining = reserved_yen = budget_remaining_yen = None
    if session.scope.store_nos is None:
        budget = queries.get_budget(session, coupon.id)
        tally, budget_yen = queries.get_tally(session, coupon.id), coupon.limits.get("budget_yen")
        issued, redeemed, discount_yen = tally.issued, budget.redeemed, budget.discount_yen
        remaining = issue_limits.count_room(coupon, tally, now.astimezone(queries.zone_of(session)).date())
        if coupon.limits.get("reserve"):
            reserved_yen = tally.reserved_yen
        if budget_yen is not None:
            budget_remaining_yen = max(0, budget_yen - max(discount_yen, reserved_yen or 0))
    else:
        issued, redeemed, discount_yen = queries.count_in_scope(session, coupon.id)
    return CouponStatsRead(
        coupon_id=coupon.id,
        issued=issued,
        redeemed=redeemed,
        # A store redeems copies that others issued, so for it this is no ratio of anything.
        redeemed_ratio=redeemed / issued if issued and session.scope.store_nos is None else None,
        discount_yen=discount_yen,
        remaining=remaining,
        reserved_yen=reserved_yen,
        budget_remaining_yen=budget_remaining_yen,
    )


def check_whole(coupon: Coupon) -> None:
    """Raises Invalid where the parts of an offer do not fit each other."""
    line_coupons.check(coupon)
    if coupon.limits.get("reserve"):
        if coupon.limits.get("budget_yen") is None:
            raise Invalid.at("/limits/reserve", "There is no budget_yen to set anything aside from.")
        if not issue_limits.set_aside_yen(coupon):
            name = "most_yen" if coupon.benefit["kind"] == "percent_off" else "amount_yen"
            raise Invalid.at("/limits/reserve", f"What a copy can cost is not known: the benefit has no {name}.")
    if coupon.occasion is not None and coupon.store_no is not None:
        raise Invalid.at("/occasion", "Only head office's coupons are given unasked.")
    if coupon.occasion is not None and coupon.is_template:
        raise Invalid.at("/occasion", "Nobody is given a template.")
    if coupon.welcome_messages is not None:
        if coupon.occasion != "welcome":
            raise Invalid.at("/welcome_messages", "Only a coupon whose occasion is welcome answers who comes.")
        _check_welcome(coupon.welcome_messages)


def _check_welcome(messages: Sequence[Mapping[str, Any]]) -> None:
    """Raises Invalid for messages that LINE would not take, or whose variables nothing fills in."""
    try:
        unknown = check_messages(messages).variables - WELCOME_VARIABLES
    except Invalid as invalid:
        errors = [{**one, "pointer": f"/welcome_{one['pointer'].removeprefix('/')}"} for one in invalid.errors]
        raise Invalid(errors) from invalid
    if unknown:
        detail = f"They can name {', '.join(sorted(WELCOME_VARIABLES))}, not {min(unknown)}."
        raise Invalid.at("/welcome_messages", detail)


def _check_reserve(session: ScopedSession, coupon: Coupon, reserved_before: bool | None) -> None:
    """Raises Conflict where changed limits would break what was set aside for copies that are issued."""
    tally = queries.lock_tally(session, coupon.id)
    if coupon.limits.get("reserve") != reserved_before and tally.issued:
        raise Conflict("Customers hold copies of this coupon; whether money is set aside for them cannot change.")
    if coupon.limits.get("reserve") and coupon.limits["budget_yen"] < tally.reserved_yen:
        raise Conflict(f"For copies of this coupon {tally.reserved_yen:,} yen are set aside.")


def _benefit(benefit: Benefit) -> dict[str, Any]:
    """The benefit as it is kept. Raises Invalid for what its kind needs or does not know."""
    known = _BENEFITS[benefit.kind]
    errors = []
    for name in ("amount_yen", "percent", "most_yen", "item"):
        value = getattr(benefit, name)
        if name == known[0] and not value:
            errors.append({"pointer": f"/benefit/{name}", "detail": f"A coupon of kind {benefit.kind} needs it."})
        if name not in known and value is not None:
            errors.append({"pointer": f"/benefit/{name}", "detail": f"A coupon of kind {benefit.kind} has none."})
    if errors:
        raise Invalid(errors)
    return benefit.model_dump()


def _validity(validity: Validity, zone: ZoneInfo) -> dict[str, Any]:
    """The validity as it is kept. Raises Invalid unless it is exactly one of the forms."""
    kept = validity.model_dump()
    if set(kept) not in ({"from", "to"}, {"hours_after_issue"}, {"weather_day"}):
        raise Invalid.at("/validity", "Must be {from, to}, {hours_after_issue} or {weather_day}, and nothing else.")
    if "to" in kept:
        epoch = datetime.fromtimestamp(0, zone)
        span = find_span(kept, issued_at=epoch, business_on=epoch.date(), zone=zone)
        if span.expires_at <= span.starts_at:
            raise Invalid.at("/validity/to", "Must be later than from.")
    return kept


def _merge_limits(limits: dict[str, Any], body: CouponUpdate) -> dict[str, Any]:
    """The limits with those that were given put in, and those given as null taken out."""
    if body.limits is None:
        return {}
    changed = {name: getattr(body.limits, name) for name in body.limits.model_fields_set}
    return {name: value for name, value in (limits | changed).items() if value is not None}


def _place(session: ScopedSession, coupon: Coupon, body: CouponCreate | CouponUpdate) -> None:
    """Set where the coupon is redeemed. Raises Invalid unless exactly one of the three ways is given."""
    chosen = [name for name in _CHOICES if getattr(body, name)]
    if len(chosen) != 1:
        raise Invalid.at("", "Give exactly one of store_ids, area_ids and all_stores.")
    if body.all_stores and coupon.store_no is not None:
        raise Invalid.at("/all_stores", "A store's own coupon names its stores.")
    coupon.area_ids = None
    if body.all_stores:
        coupon.redeemable_store_nos = None
    elif body.store_ids is not None:
        coupon.redeemable_store_nos = sorted(_list_store_nos(session, body.store_ids))
    elif body.area_ids is not None:
        coupon.area_ids = [encode_id("area", area_id) for area_id in body.area_ids]
        coupon.redeemable_store_nos = sorted(_list_area_nos(session, body.area_ids))


def _list_store_nos(session: ScopedSession, store_ids: Sequence[UUID]) -> Collection[int]:
    nos = queries.map_store_nos(session, store_ids)
    for index, store_id in enumerate(store_ids):
        if store_id not in nos:
            raise Invalid.at(f"/store_ids/{index}", "There is no such store.")
    return set(nos.values())


def _list_area_nos(session: ScopedSession, area_ids: Sequence[UUID]) -> Collection[int]:
    nos = areas.map_store_nos(session, area_ids)
    for index, area_id in enumerate(area_ids):
        if not nos.get(area_id):
            raise Invalid.at(f"/area_ids/{index}", "There is no such area, or no store in it.")
    return set().union(*nos.values())
