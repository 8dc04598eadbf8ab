"""A small brand with everything that rules may name, and random people in it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.campaigns.models import Campaign
from app.coupons.models import Coupon, IssuedCoupon, Redemption
from app.customers.attributes.models import CustomerAttribute
from app.customers.models import Customer, CustomerStore, Friend, Identity, Tag
from app.events.models import Event
from app.loyalty.models import LoyaltyMember
from app.loyalty.programmes import put_programme
from app.messaging.models import Batch, Delivery, DeliveryFailure, Run
from app.segments.models import Segment
from tenants.brands.queries import next_no
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
JAPAN = ZoneInfo("Asia/Tokyo")
MESSAGES = [{"type": "text", "text": "こんにちは"}]
ATTRIBUTES = {"size": "choice", "level": "number", "vip": "boolean", "since_on": "date", "memo": "text"}
"""Declared by the brand; `free` is not."""

ZONE = ("13113", "01101")
"""The municipalities of a trade zone; the second store lies in one."""


@dataclass
class World:
    """What rules may name. The tag 両方 exists twice: of the brand and of the first store."""

    stores: list[Store]
    tags: list[Tag]
    accounts: list[LineAccount]
    areas: dict[UUID, set[int]]
    """Store numbers by area, those of areas below included."""
    coupons: list[Coupon]
    campaigns: list[Campaign]
    runs: list[Run]
    batches: list[Batch]
    zoned: set[UUID]
    """The areas whose trade zone is `ZONE`; the others have none."""
    segments: list[Segment] = field(default_factory=list)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("a world")  # all of it would fill pages

    def ids(self, kind: str) -> list[str]:
        """All things of a kind, as callers write them."""
        if kind == "area":
            return [encode_id(kind, one) for one in self.areas]
        things: dict[str, list[Any]] = {
            "store": self.stores, "tag": self.tags, "acc": self.accounts, "cpn": self.coupons, "cmp": self.campaigns,
            "seg": self.segments,
        }  # fmt: skip
        return [encode_id(kind, one.id) for one in things[kind]]


def make_world(session: ScopedSession) -> World:
    """Three stores; two accounts, of which one speaks for two of them; two areas, one within the other, and the outer
    one with a trade zone."""
    stores = [make.store(session, municipality_code=code) for code in ("13104", "13113", "13104")]
    tags = [
        _own(Tag(no=next_no(session, "tag"), name=name), owner)
        for owner, name in [(None, "常連"), (None, "両方"), (stores[0], "両方"), (None, "空"), (stores[1], "隣")]
    ]
    accounts = [make.line_account(session, *stores[:2]), make.line_account(session, stores[2])]
    upper = make.area(session, stores[0], trade_zone={"municipality_codes": list(ZONE)})
    lower = make.area(session, stores[1], parent_id=upper.id)
    areas = {upper.id: {stores[0].no, stores[1].no}, lower.id: {stores[1].no}}
    owners = None, stores[0], stores[1]
    coupons = [make.coupon(session, **_owner(owner)) for owner in owners]
    campaigns = [Campaign(name="秋", messages=MESSAGES, **_owner(owner)) for owner in owners]
    attributes = [CustomerAttribute(name=name, type=kind) for name, kind in ATTRIBUTES.items()]
    session.add_all([*tags, *campaigns, *attributes])
    session.flush()
    runs = [_run(campaign.id) for campaign in campaigns] + [_run(campaigns[0].id), _run(None)]
    session.add_all(runs)
    session.flush()
    batches = [
        _batch(run, accounts[0], number, state, NOW - timedelta(days=number))
        for number, run in enumerate(runs)
        for state in ("sent", "waiting", "unknown")
    ]
    session.add_all(batches)
    world = World(stores, tags, accounts, areas, coupons, campaigns, runs, batches, {upper.id})
    _add_segments(session, world)
    put_programme(session, make.POINT_RULES, NOW - timedelta(days=99))
    session.flush()
    return world


def _own(row: Any, owner: Store | None) -> Any:
    for name, value in _owner(owner).items():
        setattr(row, name, value)
    return row


def _owner(owner: Store | None) -> dict[str, Any]:
    return {"store_id": owner.id, "store_no": owner.no} if owner else {}


def _run(campaign_id: UUID | None) -> Run:
    return Run(
        kind="campaign" if campaign_id else "weather",
        status="finished",
        campaign_id=campaign_id,
        messages=MESSAGES,
        personal=False,
        holdout_salt="x",
        brand_name="のれん食堂",
        frozen_at=NOW,
    )


def _batch(run: Run, account: LineAccount, number: int, state: str, done_at: datetime) -> Batch:
    no = {"sent": 1, "waiting": 2, "unknown": 3}[state]
    return Batch(
        run_id=run.id,
        batch_no=no,
        line_account_id=account.id,
        account_no=account.no,
        size=1,
        retry_key=uuid4(),
        state=state,
        done_at=None if state == "waiting" else done_at,
    )


def _add_segments(session: ScopedSession, world: World) -> None:
    """One that asks figures, one of a store, and two that name others."""
    often = {"field": "order_count", "op": ">=", "value": 2}
    tagged = {"field": "tag", "op": "has", "value": "両方"}
    world.segments = [make.segment(session, name="二度", rule=often)]
    world.segments.append(make.segment(session, name="隣", rule=tagged, **_owner(world.stores[1])))
    named = {"field": "segment", "op": "in", "value": world.ids("seg")}
    world.segments.append(make.segment(session, name="外", rule={"all": [{"not": named}, tagged]}))
    nested = {"field": "segment", "op": "in", "value": world.ids("seg")[-1]}
    world.segments.append(make.segment(session, name="外の外", rule={"any": [nested, often]}))


MOMENTS = [
    NOW - timedelta(days=days) + shift
    for days in (0, 1, 7, 30, 400)
    for shift in (timedelta(0), timedelta(microseconds=-1), timedelta(microseconds=1), timedelta(hours=-13))
] + [datetime.combine(date(2026, 11, day), time(), tzinfo=JAPAN).astimezone(UTC) for day in (14, 15, 21, 22)]
BIRTHDAYS = [
    date(1990, 11, 21), date(1990, 11, 22), date(1990, 11, 20), date(2000, 2, 29), date(2000, 2, 28), date(2000, 3, 1),
    date(1980, 12, 31), date(1981, 1, 1), date(2026, 11, 21),
]  # fmt: skip
MUNICIPALITIES = ["13113", "13104", "01101", "27127"]
SOURCES = ["follow", "qr_code", "message", "unknown", None]
FREE = ["L", "LL", "l", 3, 3.5, -1, True, False, "2026-11-14", "3", "%", "_"]
VALUES: dict[str, list[Any]] = {
    "size": ["S", "M", "L"],
    "level": [0, 1, 2.5, -3, 10**12, 1.0],
    "vip": [True, False],
    "since_on": ["2020-02-29", "2026-11-14", "1999-12-31", "2026-11-15"],
    "memo": ["麺", "麺少なめ", "50%引き", "a_b", "ab", ""],
    "free": FREE,
}
EVENTS: dict[str, list[dict[str, Any]]] = {
    "order.paid": [{"amount_yen": yen, "orders_delta": delta} for yen in (500, -500) for delta in (1, 1, 0, -1)],
    "visit.recorded": [{"visits_delta": 1}, {"visits_delta": 1}, {"visits_delta": -1}],
    "message.received": [{"message_type": "text", "text": "予約"}, {"message_type": "sticker", "text": None}],
    "friend.followed": [{"is_unblocked": True}, {"is_unblocked": False}],
}


def add_person(session: ScopedSession, world: World, dice: Random) -> Customer:
    """A person at random, with rows of all kinds and the summary that belongs to them."""
    customer_id = uuid7()
    at = {store.no: _at_store(store, customer_id, dice) for store in world.stores if dice.random() < 0.5}
    friends = [account for account in world.accounts if dice.random() < 0.5]
    row = Customer(
        id=customer_id,
        gender=dice.choice(["female", "male", "other", None]),
        birthday_on=dice.choice([*BIRTHDAYS, None]),
        municipality_code=dice.choice([*MUNICIPALITIES, None]),
        attributes={name: dice.choice(dice.choice([values, FREE])) for name, values in VALUES.items() if _maybe(dice)},
        tag_nos=sorted(tag.no for tag in world.tags if dice.random() < 0.4),
        account_nos=sorted(account.no for account in friends if _maybe(dice)),
        store_nos=sorted(at),
        home_store_no=dice.choice([None, None, *(store.no for store in world.stores)]),
        usual_store_no=dice.choice([None, *at]),
        order_count=sum(one.order_count for one in at.values()),
        spend_yen=sum(one.spend_yen for one in at.values()),
        last_order_at=max((one.last_order_at for one in at.values() if one.last_order_at), default=None),
        last_visit_at=max((one.last_visit_at for one in at.values() if one.last_visit_at), default=None),
        first_seen_at=dice.choice([None, *MOMENTS]),
        created_at=dice.choice(MOMENTS),
        erased_at=NOW if dice.random() < 0.05 else None,
        merged_into_id=uuid7() if dice.random() < 0.05 else None,
    )
    session.add(row)
    session.flush()
    identity = Identity(customer_id=row.id, provider_id="p", line_user_id=make.line_user_id())
    session.add_all([identity, *at.values()])
    if _maybe(dice):
        points, rank = dice.choice([-120, 0, 1, 100, 101, 5000]), dice.choice(["regular", "gold", None])
        session.add(LoyaltyMember(customer_id=row.id, points=points, rank=rank, updated_at=NOW))
    session.flush()
    session.add_all(_friend(account, identity, dice) for account in friends)
    session.add_all(_event(world, row.id, dice) for _ in range(dice.randrange(5)))
    session.add_all(_click(world, row.id, dice) for _ in range(dice.randrange(3)))
    deliveries = [_delivery(world, run, row.id, dice) for run in world.runs if _maybe(dice)]
    session.add_all(deliveries)
    session.add_all(_failure(one) for one in deliveries if dice.random() < 0.2)
    _add_copies(session, world, row.id, dice)
    return row


def _maybe(dice: Random) -> bool:
    return dice.random() < 0.6


def _at_store(store: Store, customer_id: UUID, dice: Random) -> CustomerStore:
    return CustomerStore(
        customer_id=customer_id,
        store_id=store.id,
        store_no=store.no,
        order_count=dice.randrange(4),
        spend_yen=dice.randrange(4) * 1000,
        last_order_at=dice.choice([None, *MOMENTS]),
        last_visit_at=dice.choice([None, *MOMENTS]),
    )


def _friend(account: LineAccount, identity: Identity, dice: Random) -> Friend:
    return Friend(
        line_account_id=account.id,
        account_no=account.no,
        identity_id=identity.id,
        customer_id=identity.customer_id,
        store_nos=list(account.store_nos),
        status=dice.choice(["following", "blocked"]),
        source=dice.choice(SOURCES),
        changed_at=NOW,
    )


def _event(world: World, customer_id: UUID, dice: Random) -> Event:
    type_ = dice.choice([*EVENTS, "coupon.redeemed"])
    data = dice.choice(EVENTS.get(type_) or [{"coupon_id": str(one.id)} for one in world.coupons])
    return Event(
        type=type_,
        customer_id=customer_id,
        store_no=dice.choice([None, *(store.no for store in world.stores)]),
        account_no=dice.choice([None, *(account.no for account in world.accounts)]),
        occurred_at=dice.choice(MOMENTS),
        data=data,
        dedupe_key=str(uuid4()),
    )


def _click(world: World, customer_id: UUID, dice: Random) -> Event:
    event = _event(world, customer_id, dice)
    campaign = dice.choice([None, *world.campaigns])
    event.type, event.data = "link.clicked", {"campaign_id": str(campaign.id) if campaign else None}
    return event


def _delivery(world: World, run: Run, customer_id: UUID, dice: Random) -> Delivery:
    return Delivery(
        customer_id=customer_id,
        run_id=run.id,
        batch_no=dice.choice([None, 1, 1, 2, 3]),
        store_no=dice.choice([None, *(store.no for store in world.stores)]),
    )


def _failure(delivery: Delivery) -> DeliveryFailure:
    return DeliveryFailure(
        run_id=delivery.run_id,
        customer_id=delivery.customer_id,
        status="failed",
        detail="x",
        store_no=delivery.store_no,
    )


def _add_copies(session: ScopedSession, world: World, customer_id: UUID, dice: Random) -> None:
    for coupon in world.coupons:
        if dice.random() < 0.5:
            continue
        issued = IssuedCoupon(
            coupon_id=coupon.id,
            customer_id=customer_id,
            code=uuid4().hex,
            source=uuid4().hex,
            store_no=dice.choice([None, coupon.store_no, world.stores[0].no]),
            status=dice.choice(["issued", "issued", "redeemed", "void"]),
            starts_at=NOW - timedelta(days=9),
            expires_at=dice.choice([NOW - timedelta(days=days) for days in (400, 1, 0, -1, -7, -30)]),
        )
        session.add(issued)
        session.flush()
        if dice.random() < 0.5:
            store = dice.choice(world.stores)
            session.add(
                Redemption(
                    issued_coupon_id=issued.id,
                    coupon_id=coupon.id,
                    customer_id=customer_id,
                    store_id=store.id,
                    store_no=store.no,
                    discount_yen=0,
                    redeemed_at=NOW,
                    business_on=NOW.date(),
                    reversed_at=dice.choice([None, NOW]),
                )
            )
