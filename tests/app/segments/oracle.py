"""A rule read word for word over rows: what SQL must come to, said in plain Python."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

from app.coupons.models import IssuedCoupon, Redemption
from app.customers.addresses import PREFECTURES
from app.customers.models import Customer, CustomerStore, Friend
from app.events.models import Event
from app.loyalty.models import LoyaltyMember
from app.messaging.models import Delivery, DeliveryFailure
from tenants.ids import decode_id, encode_id
from tenants.session import ScopedSession
from tests.app.segments.world import ATTRIBUTES, JAPAN, ZONE, World

COMPARE: dict[str, Callable[[Any, Any, Any], bool]] = {
    "=": lambda x, first, beyond: first <= x < beyond,
    "!=": lambda x, first, beyond: not first <= x < beyond,
    "<": lambda x, first, beyond: x < first,
    "<=": lambda x, first, beyond: x < beyond,
    ">": lambda x, first, beyond: x >= beyond,
    ">=": lambda x, first, beyond: x >= first,
}
PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "between": lambda x, pair: pair[0] <= x <= pair[1],
}
EVERYWHERE = None


@dataclass
class Oracle:
    """All rows of a brand, read once."""

    world: World
    people: Sequence[Customer]
    at_stores: Sequence[CustomerStore]
    friends: Sequence[Friend]
    events: Sequence[Event]
    copies: Sequence[IssuedCoupon]
    redemptions: Sequence[Redemption]
    deliveries: Sequence[Delivery]
    failures: Sequence[DeliveryFailure]
    members: Sequence[LoyaltyMember]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("an oracle")  # all of it would fill pages

    @classmethod
    def of(cls, session: ScopedSession, world: World) -> "Oracle":
        """What the tables hold; the session sees all stores."""
        return cls(
            world,
            session.exec(select(Customer)).all(),
            session.exec(select(CustomerStore)).all(),
            session.exec(select(Friend)).all(),
            session.exec(select(Event)).all(),
            session.exec(select(IssuedCoupon)).all(),
            session.exec(select(Redemption)).all(),
            session.exec(select(Delivery)).all(),
            session.exec(select(DeliveryFailure)).all(),
            session.exec(select(LoyaltyMember)).all(),
        )

    def choose(self, rule: Any, now: datetime, eyes: Collection[int] | None = EVERYWHERE) -> set[UUID]:
        """Ids of those whom a rule chooses, asked with the eyes of these stores or of the whole brand."""
        asking = Asking(self, now, eyes)
        present = [one for one in self.people if one.erased_at is None and one.merged_into_id is None]
        seen = [one for one in present if eyes is None or set(eyes) & set(one.store_nos)]
        return {one.id for one in seen if asking.holds(rule, one)}


@dataclass
class Asking:
    """One moment and one pair of eyes."""

    oracle: Oracle
    now: datetime
    eyes: Collection[int] | None

    def holds(self, rule: Any, person: Customer) -> bool:
        """Whether a rule holds of somebody."""
        if "all" in rule:
            return all(self.holds(part, person) for part in rule["all"])
        if "any" in rule:
            return any(self.holds(part, person) for part in rule["any"])
        if "not" in rule:
            return not self.holds(rule["not"], person)
        name, op, value = rule["field"], rule["op"], rule.get("value")
        if name.startswith("attribute."):
            return self._attribute(name.removeprefix("attribute."), op, value, person)
        found: bool = getattr(self, f"_{name}")(op, value, person)
        return found

    def sees(self, store_no: int | None) -> bool:
        """Whether a row of a store counts."""
        return self.eyes is None or store_no in self.eyes

    def is_shared(self, thing: Any) -> bool:
        """Whether a thing of head office or of a store may be named."""
        return thing.store_no is None or self.sees(thing.store_no)

    # What she carries, and where she belongs.

    def _tag(self, op: str, value: Any, person: Customer) -> bool:
        carried = [self._carries(wanted, person) for wanted in many(value)]
        return any(carried) if op == "has_any" else all(carried)

    def _carries(self, wanted: str, person: Customer) -> bool:
        tags = [tag for tag in self.oracle.world.tags if wanted in (tag.name, encode_id("tag", tag.id))]
        return any(tag.no in person.tag_nos for tag in tags if self.is_shared(tag))

    def _store(self, op: str, value: Any, person: Customer) -> bool:
        wanted = {one.no for one in self.oracle.world.stores if encode_id("store", one.id) in many(value)}
        wanted = {no for no in wanted if self.sees(no)}
        if op == "in":
            return bool(wanted & set(person.store_nos))
        if op == "friend_of":
            return any(one.no in person.account_nos for one in self.oracle.world.accounts if wanted & {*one.store_nos})
        if op == "bought_at":
            return any(row.order_count for row in self._rows_at_stores(person) if row.store_no in wanted)
        return self._home(person) in wanted

    def _home(self, person: Customer) -> int | None:
        home = person.home_store_no
        return person.usual_store_no if home is None and self.eyes is None else home

    def _rows_at_stores(self, person: Customer) -> list[CustomerStore]:
        return [one for one in self.oracle.at_stores if one.customer_id == person.id and self.sees(one.store_no)]

    def _area(self, op: str, value: Any, person: Customer) -> bool:
        if op == "in_trade_zone":
            is_zoned = any(decode_id("area", area) in self.oracle.world.zoned for area in many(value))
            inside = {one.no for one in self.oracle.world.stores if one.municipality_code in ZONE and self.sees(one.no)}
            return is_zoned and (person.municipality_code in ZONE or self._home(person) in inside)
        nos = {no for area in many(value) for no in self.oracle.world.areas[decode_id("area", area)]}
        return any(no in person.store_nos for no in nos if self.sees(no))

    def _account_nos(self, value: Any = None) -> set[int]:
        seen = [one for one in self.oracle.world.accounts if any(self.sees(no) for no in one.store_nos)]
        return {one.no for one in seen if value is None or encode_id("acc", one.id) in many(value)}

    def _line_account(self, op: str, value: Any, person: Customer) -> bool:
        return bool(self._account_nos(value) & set(person.account_nos))

    def _friend_source(self, op: str, value: Any, person: Customer) -> bool:
        hers = [one for one in self.oracle.friends if one.customer_id == person.id]
        return any(text(op, value, one.source) for one in hers if one.account_no in self._account_nos())

    # What she did, in figures.

    def _order_count(self, op: str, value: Any, person: Customer) -> bool:
        return PLAIN[op](sum(one.order_count for one in self._figures(person)), value)

    def _spend_yen(self, op: str, value: Any, person: Customer) -> bool:
        return PLAIN[op](sum(one.spend_yen for one in self._figures(person)), value)

    def _points(self, op: str, value: Any, person: Customer) -> bool:
        return PLAIN[op](sum(max(0, one.points) for one in self._members(person)), value)

    def _rank(self, op: str, value: Any, person: Customer) -> bool:
        # Whoever is no member has the rank for which nothing is needed; a member may have none.
        ranks = [one.rank or "regular" for one in self._members(person)] or ["regular"]
        return text(op, value, ranks[0])

    def _members(self, person: Customer) -> list[LoyaltyMember]:
        return [one for one in self.oracle.members if one.customer_id == person.id]

    def _last_order_at(self, op: str, value: Any, person: Customer) -> bool:
        return self._instant(op, value, latest(one.last_order_at for one in self._figures(person)))

    def _last_visit_at(self, op: str, value: Any, person: Customer) -> bool:
        return self._instant(op, value, latest(one.last_visit_at for one in self._figures(person)))

    def _figures(self, person: Customer) -> Sequence[Customer | CustomerStore]:
        """Her own row for head office, else her rows at the stores."""
        return [person] if self.eyes is None else self._rows_at_stores(person)

    def _first_seen_at(self, op: str, value: Any, person: Customer) -> bool:
        return self._instant(op, value, person.first_seen_at or person.created_at)

    def _instant(self, op: str, value: Any, moment: datetime | None) -> bool:
        if op == "never":
            return moment is None
        if moment is None:
            return False
        if op in ("within_days", "before_days"):
            is_within = moment >= self.now - timedelta(days=value)
            return is_within if op == "within_days" else not is_within
        if op == "between":
            return span(value[0])[0] <= moment < span(value[1])[1]
        return COMPARE[op](moment, *span(value))

    # Who she is.

    def _gender(self, op: str, value: Any, person: Customer) -> bool:
        return text(op, value, person.gender)

    def _municipality(self, op: str, value: Any, person: Customer) -> bool:
        return text(op, value, person.municipality_code)

    def _prefecture(self, op: str, value: Any, person: Customer) -> bool:
        if person.municipality_code is None:
            return False
        code = person.municipality_code[:2]
        if op == "starts_with" and len(value) == 1:
            return code.startswith(value)
        return any(one in (code, PREFECTURES[code], PREFECTURES[code][:-1]) for one in many(value))

    def _age(self, op: str, value: Any, person: Customer) -> bool:
        if person.birthday_on is None:
            return False
        born, today = person.birthday_on, self.now.astimezone(JAPAN).date()
        birthdays = sum(1 for year in range(born.year + 1, today.year + 1) if birthday(born, year) <= today)
        return PLAIN[op](birthdays, value)

    def _birthday_month(self, op: str, value: Any, person: Customer) -> bool:
        return person.birthday_on is not None and PLAIN[op](person.birthday_on.month, value)

    def _attribute(self, name: str, op: str, value: Any, person: Customer) -> bool:
        actual = person.attributes.get(name)
        sample = many(value)[0]
        kind = ATTRIBUTES.get(name) or {bool: "boolean", int: "number", float: "number"}.get(type(sample), "text")
        if actual is None or kind_of(actual) != {"choice": "text", "date": "text"}.get(kind, kind):
            return False
        if kind in ("text", "choice"):
            return text(op, value, actual)
        if kind == "date":
            return is_date(actual) and PLAIN[op](actual, value)
        return PLAIN[op](actual, value)

    # What happened to her, one by one.

    def _event(self, op: str, value: Any, person: Customer) -> bool:
        times = sum(
            one.data.get("orders_delta", one.data.get("visits_delta", 1)) for one in self._events(value, person)
        )
        did: bool = times >= value.get("at_least", 1)
        return did == (op == "did")

    def _events(self, value: Any, person: Customer) -> list[Event]:
        hers = [one for one in self.oracle.events if one.customer_id == person.id and one.type == value["type"]]
        hers = [one for one in hers if self.sees(one.store_no)]
        if "within_days" in value:
            hers = [one for one in hers if one.occurred_at >= self.now - timedelta(days=value["within_days"])]
        if "store_id" in value:
            nos = {one.no for one in self.oracle.world.stores if encode_id("store", one.id) in many(value["store_id"])}
            hers = [one for one in hers if one.store_no in nos]
        if "line_account_id" in value:
            hers = [one for one in hers if one.account_no in self._account_nos(value["line_account_id"])]
        coupons = [encode_id("cpn", one.id) for one in self.oracle.world.coupons if self.is_shared(one)]
        if value.get("where", {}).get("coupon_id", coupons[0]) not in coupons:
            return []
        where = {
            key: str(decode_id("cpn", one)) if key == "coupon_id" else one
            for key, one in value.get("where", {}).items()
        }
        return [
            event
            for event in hers
            if all(key in event.data and same(event.data[key], wanted) for key, wanted in where.items())
        ]

    def _coupon(self, op: str, value: Any, person: Customer) -> bool:
        days = None
        if op == "expires_within_days":
            days = value["days"] if isinstance(value, dict) else value
            value = value.get("coupon_id") if isinstance(value, dict) else None
        coupons = [one for one in self.oracle.world.coupons if self.is_shared(one)]
        ids = {one.id for one in coupons if value is None or encode_id("cpn", one.id) in many(value)}
        if value is None:
            ids = {one.id for one in self.oracle.world.coupons}
        if op == "used":
            used = [one for one in self.oracle.redemptions if one.customer_id == person.id and one.reversed_at is None]
            return any(one.coupon_id in ids for one in used if self.sees(one.store_no))
        held = [one for one in self.oracle.copies if one.customer_id == person.id and one.status == "issued"]
        held = [one for one in held if one.coupon_id in ids and self.sees(one.store_no) and one.expires_at > self.now]
        return any(days is None or one.expires_at <= self.now + timedelta(days=days) for one in held)

    def _message(self, op: str, value: Any, person: Customer) -> bool:
        world = self.oracle.world
        campaigns = [one for one in world.campaigns if self.is_shared(one)]
        wanted = {one.id for one in campaigns if encode_id("cmp", one.id) in many(value.get("campaign_id"))}
        days = value.get("within_days", 10**6)
        if op == "clicked":
            clicks = [one for one in self.oracle.events if one.customer_id == person.id and one.type == "link.clicked"]
            return any(
                self.now - one.occurred_at <= timedelta(days=days)
                and ("campaign_id" not in value or one.data["campaign_id"] in {str(id_) for id_ in wanted})
                for one in clicks
                if self.sees(one.store_no)
            )
        runs = {one.id for one in world.runs if "campaign_id" not in value or one.campaign_id in wanted}
        failed = {one.run_id for one in self.oracle.failures if one.customer_id == person.id}
        sent: dict[Any, datetime | None] = {
            (one.run_id, one.batch_no): one.done_at for one in world.batches if one.state == "sent"
        }
        hers = [one for one in self.oracle.deliveries if one.customer_id == person.id and self.sees(one.store_no)]
        sent_at = [
            sent[one.run_id, one.batch_no]
            for one in hers
            if (one.run_id, one.batch_no) in sent and one.run_id in runs - failed
        ]
        return any(at is not None and self.now - at <= timedelta(days=days) for at in sent_at)

    def _segment(self, op: str, value: Any, person: Customer) -> bool:
        named = [one for one in self.oracle.world.segments if encode_id("seg", one.id) in many(value)]
        return any(self.holds(one.rule, person) for one in named if self.is_shared(one))


def many(value: Any) -> list[Any]:
    """One or several as several."""
    return value if isinstance(value, list) else [value]


def latest(moments: Any) -> datetime | None:
    """The latest of those that are there."""
    return max((one for one in moments if one is not None), default=None)


def text(op: str, value: Any, actual: str | None) -> bool:
    """The operators of texts."""
    if actual is None:
        return False
    return actual.startswith(value) if op == "starts_with" else actual in many(value)


def span(moment: str) -> tuple[datetime, datetime]:
    """The first instant of a moment and the first after it."""
    if len(moment) == 10:
        start = datetime.combine(date.fromisoformat(moment), datetime.min.time(), tzinfo=JAPAN)
        return start, start + timedelta(days=1)
    instant = datetime.fromisoformat(moment).astimezone(UTC)
    return instant, instant + timedelta(microseconds=1)


def birthday(born: date, year: int) -> date:
    """Her birthday in a year: on 1 March where there is no 29 February."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    return "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; 1 is not true."""
    return kind_of(one) == kind_of(other) and one == other


def is_date(value: str) -> bool:
    """Whether a text is a date."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
