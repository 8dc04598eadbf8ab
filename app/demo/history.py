"""Three months behind the demo's people: follows, orders, and rain coupons on the days when it rained."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.campaigns.models import Campaign
from app.commerce.events import OrderPaid
from app.commerce.models import Order
from app.coupons.codes import new_code
from app.coupons.events import CouponIssued, CouponRedeemed
from app.coupons.funding import split_discount
from app.coupons.models import Coupon, CouponBudget, CouponTally, IssuedCoupon, Redemption
from app.coupons.offers import add_coupon
from app.customers.events import CustomerCreated, FriendBlocked, FriendFollowed
from app.demo.people import Person
from app.demo.rows import add_rows, event_row, id_at
from app.events.facts import Fact
from app.events.models import Event
from app.messaging.choice import BATCHES_PER_ACCOUNT
from app.messaging.events import RunFinished
from app.messaging.models import Batch, Delivery, Run
from app.sandbox.ids import new_ulid
from app.segments.models import Segment
from app.weather.models import WeatherRule
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store

JAPAN = ZoneInfo("Asia/Tokyo")
RAINY_DAYS_AGO = (4, 9, 13, 20, 26, 33, 41, 48, 55, 63, 72, 84)
HOLDOUT_RATIO = 0.2
RAIN_TEXT = (
    "☔ 気象庁の予報では、本日の昼は雨の見込みです。\n"
    "{{ store.name }}で温かい一杯はいかがですか。\n"
    "本日限り100円引き　クーポンコード: {{ coupon.code }}"
)


def add_history(
    session: ScopedSession,
    people: Sequence[Person],
    stores: dict[str, Store],
    accounts: dict[str, LineAccount],
    now: datetime,
    random: Random,
    *,
    live_rule: bool,
) -> None:
    """Orders, events, coupons and, for the first brand, the one rule that is live."""
    facts: list[Fact] = [*_follows(people, accounts), *_orders(session, people, stores)]
    welcome = _coupon(
        session,
        "はじめての方へ 300円引き",
        300,
        {"hours_after_issue": 720},
        {"per_customer": 1},
        funding={"payer": "issuing_store"},
        occasion="welcome",
    )
    copies = [
        _Copy(person, min(person.follows.values()), stores[person.home]) for person in people if random.random() < 0.5
    ]
    facts += _copies(session, welcome, copies, stores, accounts, now, random, source="welcome", ratio=0.35)
    if live_rule:
        shares = {"payer": "split", "split": {"brand_ratio": 0.5, "redeeming_store_ratio": 0.5, "rest_to": "brand"}}
        rain = _coupon(session, "雨の日 100円引き", 100, {"weather_day": True}, {}, min_spend_yen=500, funding=shares)
        rule = WeatherRule(
            name="雨の昼クーポン",
            status="live",
            condition={
                "all": [
                    {
                        "reading": "precipitation_probability",
                        "in": {"from": "11:00", "to": "17:00"},
                        "op": ">=",
                        "value": 60,
                    }
                ]
            },
            decide_times=["11:10"],
            all_stores=True,
            coupon_id=rain.id,
            messages=[{"type": "text", "text": RAIN_TEXT}],
            holdout_ratio=HOLDOUT_RATIO,
        )
        session.add(rule)
        session.add(Segment(name="常連のお客様", rule={"all": [{"field": "tag", "op": "has", "value": "常連"}]}))
        session.add(
            Campaign(
                name="新メニューのお知らせ",
                audience={},
                messages=[{"type": "text", "text": "{{ store.name }}に新しい鍋が登場しました。"}],
            )
        )
        session.flush()
        for days in RAINY_DAYS_AGO:
            facts += _rainy_day(session, rule, rain, people, stores, accounts, now, days, random)
    facts.sort(key=lambda fact: fact.occurred_at)
    add_rows(
        session,
        Event,
        [
            event_row(session, fact) | {"id": id_at(fact.occurred_at, number % 4096)}
            for number, fact in enumerate(facts)
        ],
    )
    session.flush()


def _follows(people: Sequence[Person], accounts: dict[str, LineAccount]) -> list[Fact]:
    facts: list[Fact] = []
    for person in people:
        for channel, at in sorted(person.follows.items(), key=lambda item: item[1]):
            account = accounts[channel]
            place: dict[str, Any] = {
                "customer_id": person.id,
                "store_no": account.store_nos[0] if len(account.store_nos) == 1 else None,
                "account_no": account.no,
            }
            friend: dict[str, Any] = {"friend_id": person.friend_ids[channel], "line_account_id": account.id}
            if at == min(person.follows.values()):
                facts.append(CustomerCreated(occurred_at=at, source="line", **place))
            sign = _webhook_event_id(at)
            facts.append(FriendFollowed(occurred_at=at, webhook_event_id=sign, is_unblocked=False, **place, **friend))
            if channel in person.blocks:
                blocked_at = person.blocks[channel]
                sign = _webhook_event_id(blocked_at)
                facts.append(FriendBlocked(occurred_at=blocked_at, webhook_event_id=sign, **place, **friend))
    return facts


def _webhook_event_id(at: datetime) -> str:
    """An id as LINE gives to what happened at this moment."""
    return new_ulid(int(at.timestamp() * 1000))


def _orders(session: ScopedSession, people: Sequence[Person], stores: dict[str, Store]) -> list[Fact]:
    orders: list[dict[str, Any]] = []
    facts: list[Fact] = []
    for person in people:
        for number, one in enumerate(person.orders):
            store = stores[one.store_code]
            order_id = uuid7()
            orders.append(
                {
                    "brand_id": session.scope.brand_id,
                    "id": order_id,
                    "created_at": one.ordered_at,
                    "external_id": f"POS-{person.id.hex[-12:]}-{number + 1}",
                    "customer_id": person.id,
                    "store_id": store.id,
                    "store_no": store.no,
                    "amount_yen": one.amount_yen,
                    "ordered_at": one.ordered_at,
                }
            )
            facts.append(
                OrderPaid(
                    occurred_at=one.ordered_at,
                    customer_id=person.id,
                    store_no=store.no,
                    order_id=order_id,
                    amount_yen=one.amount_yen,
                    orders_delta=1,
                    told_at=one.ordered_at,
                )
            )
    add_rows(session, Order, orders)
    return facts


def _coupon(
    session: ScopedSession,
    name: str,
    amount_yen: int,
    validity: dict[str, Any],
    limits: dict[str, Any],
    *,
    funding: dict[str, Any],
    min_spend_yen: int = 0,
    occasion: str | None = None,
) -> Coupon:
    coupon = Coupon(
        name=name,
        benefit={"kind": "amount_off", "amount_yen": amount_yen},
        validity=validity,
        limits=limits,
        min_spend_yen=min_spend_yen,
        funding=funding,
        occasion=occasion,
    )
    return add_coupon(session, coupon)


class _Copy(NamedTuple):
    """Who is given a copy, when, and through which store and account."""

    person: Person
    at: datetime
    store: Store
    account_no: int | None = None


def _copies(
    session: ScopedSession,
    coupon: Coupon,
    copies: Sequence[_Copy],
    stores: dict[str, Store],
    accounts: dict[str, LineAccount],
    now: datetime,
    random: Random,
    *,
    source: str,
    ratio: float,
    rule_id: UUID | None = None,
    run_id: UUID | None = None,
) -> list[Fact]:
    """Issued copies, of which `ratio` were used within some hours; answers their facts."""
    discount_yen = int(coupon.benefit["amount_yen"])
    counters = Random(coupon.name)  # of its own, so that all else of the demo is drawn as without it
    issued, redemptions = [], []
    facts: list[Fact] = []
    common = {"brand_id": session.scope.brand_id, "coupon_id": coupon.id}
    for copy in copies:
        person, at, store, account_no = copy
        copy_id = uuid7()
        ends = _midnight(at, 1) if rule_id else at + timedelta(days=30)
        used_at = min(at + timedelta(hours=random.uniform(0.5, 9 if rule_id else 400)), ends)
        used = random.random() < ratio and used_at < now
        about: dict[str, Any] = {
            "customer_id": person.id,
            "store_no": store.no,
            "account_no": account_no,
            "coupon_id": coupon.id,
            "issued_coupon_id": copy_id,
            "campaign_id": None,
            "weather_rule_id": rule_id,
            "run_id": run_id,
        }
        issued.append(
            {
                **common,
                "id": copy_id,
                "created_at": at,
                "customer_id": person.id,
                "code": new_code(),
                "source": source,
                "store_no": store.no,
                "account_no": account_no,
                "weather_rule_id": rule_id,
                "run_id": run_id,
                "status": "redeemed" if used else "issued",
                "starts_at": _midnight(at, 0) if rule_id else at,
                "expires_at": ends,
            }
        )
        facts.append(CouponIssued(occurred_at=at, **about))
        if used:
            redemption_id, amount_yen = uuid7(), 10 * random.randrange(65, 250)
            counter = _choose_counter(copy, stores, accounts, counters)
            redemptions.append(
                {
                    **common,
                    "id": redemption_id,
                    "created_at": used_at,
                    "issued_coupon_id": copy_id,
                    "customer_id": person.id,
                    "store_id": counter.id,
                    "store_no": counter.no,
                    "amount_yen": amount_yen,
                    "discount_yen": discount_yen,
                    "funding": split_discount(coupon.funding, store.no, counter.no, discount_yen),
                    "redeemed_at": used_at,
                    "business_on": used_at.astimezone(JAPAN).date(),
                }
            )
            facts.append(
                CouponRedeemed(
                    occurred_at=used_at,
                    redemption_id=redemption_id,
                    discount_yen=discount_yen,
                    amount_yen=amount_yen,
                    **about | {"store_no": counter.no},
                )
            )
    add_rows(session, IssuedCoupon, issued)
    add_rows(session, Redemption, redemptions)
    key = (session.scope.brand_id, coupon.id)
    session.get_one(CouponTally, key).issued += len(issued)
    budget = session.get_one(CouponBudget, key)
    budget.redeemed += len(redemptions)
    budget.discount_yen += discount_yen * len(redemptions)
    return facts


def _choose_counter(copy: _Copy, stores: dict[str, Store], accounts: dict[str, LineAccount], random: Random) -> Store:
    """Where she uses a copy: mostly where it came from, now and then at another of the stores that she follows."""
    followed = {no for channel in copy.person.follows for no in accounts[channel].store_nos}
    others = sorted((store for store in stores.values() if store.no in followed - {copy.store.no}), key=_number_of)
    return random.choice(others) if others and random.random() < 0.4 else copy.store


def _number_of(store: Store) -> int:
    return store.no


def _rainy_day(
    session: ScopedSession,
    rule: WeatherRule,
    coupon: Coupon,
    people: Sequence[Person],
    stores: dict[str, Store],
    accounts: dict[str, LineAccount],
    now: datetime,
    days_ago: int,
    random: Random,
) -> list[Fact]:
    """One finished run of the rain rule over a few of the stores, with hold-outs, copies and redemptions."""
    day = (now.astimezone(JAPAN) - timedelta(days=days_ago)).date()
    at = datetime.combine(day, time(11, 10), JAPAN).astimezone(UTC)
    wet = set(random.sample(sorted(stores), k=random.randrange(3, 8)))
    run_id = id_at(at)
    chosen: list[_Copy] = []
    deliveries: list[dict[str, Any]] = []
    by_account: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    held = 0
    for person in people:
        reachable = [c for c, since in person.follows.items() if since < at and c not in person.blocks]
        account = next((accounts[c] for c in reachable if stores[person.home].no in accounts[c].store_nos), None)
        if person.home not in wet or account is None:
            continue
        store, out = stores[person.home], random.random() < HOLDOUT_RATIO
        held += out
        deliveries.append(_delivery(session, run_id, person, account, store, held_out=out))
        if not out:
            chosen.append(_Copy(person, at, store, account.no))
            by_account[account.no][str(store.no)] += 1
    run = _run(rule, coupon, run_id, day, at, len(chosen), held)
    session.add(run)
    session.flush()
    add_rows(session, Delivery, deliveries)
    ids = {account.no: account.id for account in accounts.values()}
    session.add_all(_batch(run_id, no, ids[no], dict(counts), at) for no, counts in by_account.items())
    session.flush()
    source = f"run:{run_id}"
    facts = _copies(
        session,
        coupon,
        chosen,
        stores,
        accounts,
        now,
        random,
        source=source,
        ratio=0.22,
        rule_id=rule.id,
        run_id=run_id,
    )
    sent = [
        {"account_no": no, "store_no": int(store_no), "count": count}
        for no, counts in by_account.items()
        for store_no, count in counts.items()
    ]
    finished = RunFinished(
        occurred_at=at + timedelta(minutes=1),
        run_id=run_id,
        status="finished",
        campaign_id=None,
        weather_rule_id=rule.id,
        coupon_id=coupon.id,
        sent=sent,
        chosen=len(chosen),
        left_out={"holdout": held},
    )
    return [*facts, finished]


def _run(rule: WeatherRule, coupon: Coupon, run_id: UUID, day: date, at: datetime, chosen: int, held: int) -> Run:
    return Run(
        id=run_id,
        kind="weather",
        status="finished",
        weather_rule_id=rule.id,
        coupon_id=coupon.id,
        coupon_name=coupon.name,
        brand_name="",
        business_on=day,
        messages=rule.messages,
        personal=True,
        holdout_salt=str(rule.id),
        chosen=chosen,
        left_out={"holdout": held},
        frozen_at=at,
        finished_at=at + timedelta(minutes=1),
    )


def _delivery(
    session: ScopedSession, run_id: UUID, person: Person, account: LineAccount, store: Store, *, held_out: bool
) -> dict[str, Any]:
    return {
        "brand_id": session.scope.brand_id,
        "customer_id": person.id,
        "run_id": run_id,
        "batch_no": None if held_out else account.no * BATCHES_PER_ACCOUNT,
        "account_no": account.no,
        "store_no": store.no,
        "line_user_id": None if held_out else person.line_user_id,
        "reason": "holdout" if held_out else None,
    }


def _batch(run_id: UUID, account_no: int, account_id: UUID, counts: dict[str, int], at: datetime) -> Batch:
    return Batch(
        run_id=run_id,
        batch_no=account_no * BATCHES_PER_ACCOUNT,
        line_account_id=account_id,
        account_no=account_no,
        size=sum(counts.values()),
        stores=counts,
        retry_key=uuid4(),
        state="sent",
        attempts=1,
        first_tried_at=at,
        done_at=at + timedelta(seconds=30),
    )


def _midnight(at: datetime, days: int) -> datetime:
    """00:00 in Japan of the day of `at`, so many days later."""
    day = at.astimezone(JAPAN).date() + timedelta(days=days)
    return datetime.combine(day, time(), JAPAN).astimezone(UTC)
