"""compile_where(): a rule as one condition on the customer's row, whatever the statement that uses it.

Brand-wide it reads the summary that the row carries. In a store's scope counts, amounts and dates are those of its
own stores, since a store learns nothing of what a customer does elsewhere; nor does it by asking for them in a rule.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, any_, exists, false, func, literal, not_, or_, true
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.customers.queries import is_present
from app.segments import queries
from app.segments.queries import Named
from app.segments.rules import (
    AtStore,
    Compared,
    Dated,
    Follows,
    InArea,
    Moment,
    Reference,
    Rule,
    Tagged,
    list_leaves,
    parse_rule,
)
from app.trees import AllOf, AnyOf, Not
from tenants.areas import queries as area_queries
from tenants.brands.queries import get_brand
from tenants.problems import Invalid
from tenants.session import ScopedSession


def compile_where(
    session: ScopedSession,
    rule: object,
    now: datetime,
    *,
    at: str = "/rule",
    skip_unseen: bool = False,
    joined: bool = False,
) -> ColumnElement[bool]:
    """The condition on `Customer` that a rule's JSON makes at this moment; erased customers never meet it.

    Raises Invalid, with a pointer below `at`, for a malformed rule or one that names what this scope does not see;
    with `skip_unseen` nobody has what is not seen. With `joined` the statement that uses the condition is one of
    `queries.of_scope`, which a single store's figures are read from.
    """
    tree = parse_rule(rule, at)
    named, missing = _look_up(session, tree)
    if missing and not skip_unseen:
        raise Invalid([{"pointer": reference.at, "detail": "There is no such thing."} for reference in missing])
    compiler = _Compiler(session, named, now, joined)
    return and_(is_present(), compiler.condition(tree))


def _look_up(session: ScopedSession, tree: Rule) -> tuple[Named, list[Reference]]:
    """The numbers of all that a rule names, one statement for each kind of thing; and what was not found."""
    leaves = list(list_leaves(tree))
    tags = [tag for leaf in leaves if isinstance(leaf, Tagged) for tag in leaf.tags]
    stores = [store for leaf in leaves if isinstance(leaf, AtStore) for store in leaf.stores]
    areas = [area for leaf in leaves if isinstance(leaf, InArea) for area in leaf.areas]
    accounts = [account for leaf in leaves if isinstance(leaf, Follows) for account in leaf.accounts]
    named = Named(
        queries.map_tag_nos(session, {tag.key for tag in tags}),
        queries.map_store_nos(session, _ids(stores)),
        area_queries.map_store_nos(session, _ids(areas)),
        queries.map_account_nos(session, _ids(accounts)),
    )
    missing = [tag for tag in tags if tag.key not in named.tag_nos]
    missing += [store for store in stores if store.key not in named.store_nos]
    missing += [area for area in areas if area.key not in named.area_nos]
    missing += [account for account in accounts if account.key not in named.account_nos]
    return named, missing


def _ids(references: Sequence[Reference]) -> set[UUID]:
    return {reference.key for reference in references if isinstance(reference.key, UUID)}


def _nos(numbers: Mapping[UUID, int], references: Sequence[Reference]) -> set[int]:
    return {numbers[key] for key in _ids(references) if key in numbers}


class _Compiler:
    """Turns the nodes of one rule into conditions."""

    def __init__(self, session: ScopedSession, named: Named, now: datetime, joined: bool) -> None:
        self.session = session
        self.named = named
        self.now = now
        self.joined = joined

    def condition(self, rule: Rule) -> ColumnElement[bool]:
        """The condition of a node, never unknown, so that `not` can stand before it."""
        match rule:
            case AllOf(parts):
                return and_(true(), *(self.condition(part) for part in parts))
            case AnyOf(parts):
                return or_(false(), *(self.condition(part) for part in parts))
            case Not(part):
                return not_(self.condition(part))
            case Tagged(op, tags):
                carried = [self._overlap(Customer.tag_nos, self.named.tag_nos.get(tag.key, ())) for tag in tags]
                return or_(*carried) if op == "has_any" else and_(*carried)
            case AtStore(op, stores):
                return self._at_store(op, _nos(self.named.store_nos, stores))
            case InArea(areas):
                nos = set().union(*(self.named.area_nos.get(key, ()) for key in _ids(areas)))
                return self._overlap(Customer.store_nos, nos)
            case Follows(accounts):
                return self._overlap(Customer.account_nos, _nos(self.named.account_nos, accounts))
            case Compared(name, op, values):
                numbers = [literal(value, BigInteger) for value in values]
                return _compare(self._summary(name), op, [(number, number) for number in numbers])
            case Dated():
                return self._dated(rule)

    def _overlap(self, column: Any, nos: Collection[int]) -> ColumnElement[bool]:
        if len(nos) <= FEW:
            return or_(false(), *(literal(no, Integer) == any_(column) for no in sorted(nos)))
        overlap: ColumnElement[bool] = column.overlap(sorted(nos))
        return overlap

    def _at_store(self, op: str, store_nos: set[int]) -> ColumnElement[bool]:
        if op == "in":
            return self._overlap(Customer.store_nos, store_nos)
        if op == "friend_of":
            return self._overlap(
                Customer.account_nos, queries.list_account_nos_of_stores(self.session, sorted(store_nos))
            )
        if op == "home":
            return col(Customer.home_store_no).in_(sorted(store_nos)).is_(true())
        there = col(CustomerStore.store_no).in_(sorted(store_nos)), col(CustomerStore.order_count) > 0
        return exists().where(*self._ties(), *there).correlate(Customer)

    def _ties(self) -> tuple[ColumnElement[bool], ...]:
        """What joins a customer to her rows at stores."""
        return (
            col(CustomerStore.brand_id) == self.session.scope.brand_id,
            col(CustomerStore.customer_id) == col(Customer.id),
        )

    def _summary(self, name: str) -> Any:
        """A count, an amount or a date: of the whole brand, or of the stores in scope."""
        store_nos = self.session.scope.store_nos
        if store_nos is None:
            return getattr(Customer, name)
        value: Any = col(getattr(CustomerStore, name))
        if self.joined and len(store_nos) == 1:
            return value
        if len(store_nos) > 1:  # adding up one row takes longer than reading it
            value = func.max(value) if name == "last_order_at" else func.sum(value)
        mine = select(value).where(*self._ties(), col(CustomerStore.store_no).in_(sorted(store_nos)))
        summary: Any = mine.correlate(Customer).scalar_subquery()
        return summary if name == "last_order_at" else func.coalesce(summary, 0)

    def _dated(self, rule: Dated) -> ColumnElement[bool]:
        column = self._summary(rule.field)
        if rule.op == "never":
            never: ColumnElement[bool] = column.is_(None)
            return never
        if rule.op in ("within_days", "before_days"):
            since = self.now - timedelta(days=rule.days)
            held = column >= since if rule.op == "within_days" else column < since
        else:
            held = _compare(column, rule.op, [self._span(moment) for moment in rule.values])
        known: ColumnElement[bool] = held.is_(true())
        return known

    def _span(self, moment: Moment) -> tuple[datetime, datetime]:
        """The first and the last instant of a moment: the same one, or those of a day in the brand's zone."""
        if isinstance(moment, datetime):
            return moment, moment
        zone = ZoneInfo(get_brand(self.session, self.session.scope.brand_id).timezone)
        return _midnight(moment, zone), _midnight(moment + timedelta(days=1), zone) - timedelta(microseconds=1)


FEW = 8
"""So many numbers are looked for in an array one by one, with an operator that Postgres holds for leakproof.

It then asks the policy only of the rows that have them; of the overlap of two arrays it asks the policy first, for each
row of the brand.
"""


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


_COMPARISONS: dict[str, Callable[[Any, Any, Any], ColumnElement[bool]]] = {
    "=": lambda column, first, last: and_(column >= first, column <= last),
    "!=": lambda column, first, last: or_(column < first, column > last),
    "<": lambda column, first, last: column < first,
    "<=": lambda column, first, last: column <= last,
    ">": lambda column, first, last: column > last,
    ">=": lambda column, first, last: column >= first,
}
"""Each operator over a value that reaches from `first` to `last`: one number, one instant, or a whole day."""


def _compare(column: Any, op: str, spans: Sequence[tuple[Any, Any]]) -> ColumnElement[bool]:
    if op == "between":
        return and_(column >= spans[0][0], column <= spans[1][1])
    return _COMPARISONS[op](column, *spans[0])
