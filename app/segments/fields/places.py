"""The fields `store`, `area` and `line_account`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, cast, exists, func, true
from sqlalchemy.dialects.postgresql import array
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.customers.summary import home_column
from app.customers.trade_zones import lives_or_is_at_home, map_reaches
from app.segments import queries
from app.segments.fields.base import Asked, Leaf, Reference, Told, join_labels, overlap
from app.segments.fields.operands import Field, Operands
from app.segments.naming import Thing
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount, LineAccountStore


@dataclass(frozen=True, slots=True)
class AtStore(Leaf):
    """Is tied to one of the stores (in), follows an account of one (friend_of), ordered at one (bought_at), or is at
    home in one (home)."""

    op: str
    stores: tuple[Reference, ...]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("store", store) for store in self.stores)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        nos = sorted(asked.nos("store", self.stores))
        if self.op == "in":
            return overlap(Customer.store_nos, nos)
        if self.op == "friend_of":
            return overlap(Customer.account_nos, queries.list_account_nos_of_stores(asked.session, nos))
        if self.op == "home":
            at_home: ColumnElement[bool] = home_column(asked.session.scope).in_(nos).is_(true())
            return at_home
        return exists().where(*_bought_there(asked, nos)).correlate(Customer)

    def actual(self, asked: Asked) -> Any:
        """Numbers of stores of which it holds, those that are not named perhaps among them."""
        nos = sorted(asked.nos("store", self.stores))
        if self.op == "in":
            return col(Customer.store_nos)
        if self.op == "home":
            return array([home_column(asked.session.scope)])
        if self.op == "bought_at":
            there = select(func.array_agg(CustomerStore.store_no)).where(*_bought_there(asked, nos))
        else:
            there = (
                select(func.array_agg(LineAccountStore.store_no))
                .join(LineAccount, col(LineAccount.id) == col(LineAccountStore.line_account_id))
                .where(
                    col(LineAccount.brand_id) == asked.brand_id,
                    col(LineAccountStore.brand_id) == asked.brand_id,
                    col(LineAccountStore.store_no).in_(nos),
                    col(LineAccount.no) == any_(col(Customer.account_nos)),
                )
            )
        return there.correlate(Customer).scalar_subquery()

    def tell(self, value: Any, asked: Asked) -> Told:
        return _tell("store", asked.things("store", self.stores), value, _AT_STORE[self.op])


_AT_STORE = {
    "in": ("she is tied to", "she is tied to none of them", "が利用店舗", "利用店舗ではない"),
    "friend_of": ("she follows", "she follows none of them", "の友だち", "友だちではない"),
    "bought_at": ("she bought at", "she bought at none of them", "で購入した", "購入したことがない"),
    "home": ("her home store is", "her home store is another or not known", "がホーム店舗", "ホーム店舗が違うか不明"),
}
"""How it is said that something holds, and that nothing does, in English and in Japanese."""


def _bought_there(asked: Asked, nos: list[int]) -> tuple[ColumnElement[bool], ...]:
    return (*asked.ties(), col(CustomerStore.store_no).in_(nos), col(CustomerStore.order_count) > 0)


@dataclass(frozen=True, slots=True)
class InArea(Leaf):
    """Is tied to a store of one of the areas or of an area below it."""

    areas: tuple[Reference, ...]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("area", area) for area in self.areas)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        return overlap(Customer.store_nos, _in_scope(asked, asked.nos("area", self.areas)))

    def actual(self, asked: Asked) -> Any:
        return col(Customer.store_nos)

    def tell(self, value: Any, asked: Asked) -> Told:
        seen = _in_scope(asked, set(value))
        words = "she is tied to a store of", "she is tied to no store there", "の店舗を利用", "その店舗を利用していない"
        return _tell("area", asked.things("area", self.areas), seen, words)


@dataclass(frozen=True, slots=True)
class InTradeZone(Leaf):
    """Lives in the trade zone of one of the areas, or is at home in a store that lies there."""

    areas: tuple[Reference, ...]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("area", area) for area in self.areas)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        found = map_reaches(asked.session, asked.ids("area", self.areas))
        return lives_or_is_at_home(asked.session, [reach for reach in found.values() if reach is not None])

    def actual(self, asked: Asked) -> Any:
        """Where she lives and the number of her home store, as texts."""
        return array([col(Customer.municipality_code), cast(home_column(asked.session.scope), Text)])

    def tell(self, value: Any, asked: Asked) -> Told:
        municipality_code, home = value
        reaches = map_reaches(asked.session, asked.ids("area", self.areas))
        home_no = None if home is None else int(home)
        found = [
            thing
            for thing in asked.things("area", self.areas)
            if (reach := reaches.get(thing.id)) is not None and reach.holds(municipality_code, home_no)
        ]
        ids = [encode_id("area", thing.id) for thing in found]
        if not found:
            return Told(ids, "she is in none of their trade zones, as far as we know", "商圏の外か不明")
        return Told(ids, f"she is in the trade zone of {join_labels(found)}", f"{join_labels(found)}の商圏内")


def _in_scope(asked: Asked, store_nos: set[int]) -> set[int]:
    return store_nos if asked.store_nos is None else store_nos & set(asked.store_nos)


@dataclass(frozen=True, slots=True)
class Follows(Leaf):
    """Follows one of the accounts."""

    accounts: tuple[Reference, ...]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("acc", account) for account in self.accounts)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        return overlap(Customer.account_nos, asked.nos("acc", self.accounts))

    def actual(self, asked: Asked) -> Any:
        return col(Customer.account_nos)

    def tell(self, value: Any, asked: Asked) -> Told:
        words = "she follows", "she follows none of them", "の友だち", "友だちではない"
        return _tell("acc", asked.things("acc", self.accounts), value, words)


def _tell(kind: str, things: Sequence[Thing], nos: Any, words: tuple[str, str, str, str]) -> Told:
    """Of which of these it holds: those with one of the numbers."""
    found = [thing for thing in things if not thing.nos.isdisjoint(nos or ())]
    holds, holds_not, ja, ja_not = words
    ids = [encode_id(kind, thing.id) for thing in found]
    if not found:
        return Told(ids, holds_not, ja_not)
    return Told(ids, f"{holds} {join_labels(found)}", f"{join_labels(found)}{ja}")


def _read_store(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    stores = operands.references("store", value, at)
    return AtStore(op, stores) if stores else None


def _read_area(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    areas = operands.references("area", value, at)
    if not areas:
        return None
    return InArea(areas) if op == "in" else InTradeZone(areas)


def _read_account(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    accounts = operands.references("acc", value, at)
    return Follows(accounts) if accounts else None


FIELDS = {
    "store": Field(("in", "friend_of", "bought_at", "home"), _read_store),
    "area": Field(("in", "in_trade_zone"), _read_area),
    "line_account": Field(("in",), _read_account),
}
