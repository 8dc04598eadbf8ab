"""Two brands of two stores each, things of every kind in each place, and digests of rows that nobody may touch."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import col, select

from app.commerce.models import Order, Visit
from app.coupons.models import IssuedCoupon
from app.customers.joining.models import ExternalId
from app.customers.models import Customer, Tag
from app.events.projector import project
from app.loyalty.models import LoyaltyMember, PointEntry
from app.loyalty.programmes import put_programme
from tenants.brands.models import Brand
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.staff.models import Staff
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.isolation.probes import TABLES
from tests.walls.making import HEAD_OFFICE, STORE, Made
from tests.walls.things import THINGS
from tests.walls.vocabulary import Uncovered

_OWNERS = {"~phone": "cus", "~email": "cus", "~member_number": "cus", "~customer_external_id": "cus",
           "~customer_name": "cus", "~customer_outside_id": "cus",
           "~tag": "tag", "~coupon_code": "icpn", "~store_code": "store",
           "~order_external_id": "ord", "~visit_external_id": "vis", "~channel_id": "acc",
           "~staff_email": "staff", "~point_source_ref": "pnt", "~referral_code": "pnt"}  # fmt: skip
_MODELS = {
    "cus": Customer,
    "tag": Tag,
    "icpn": IssuedCoupon,
    "store": Store,
    "ord": Order,
    "vis": Visit,
    "acc": LineAccount,
    "staff": Staff,
    "pnt": PointEntry,
}
_COLUMNS = {"~customer_external_id": "external_id", "~customer_name": "name", "~tag": "name", "~coupon_code": "code",
            "~store_code": "code", "~order_external_id": "external_id", "~visit_external_id": "external_id",
            "~staff_email": "email", "~point_source_ref": "source_ref"}  # fmt: skip

NEW_KEYS: dict[str, Callable[[], str]] = {
    "~phone": lambda: f"+8180{int.from_bytes(os.urandom(5)) % 10**8:08}",
    "~email": lambda: f"{os.urandom(5).hex()}@example.jp",
    "~staff_email": lambda: f"{os.urandom(5).hex()}@example.jp",
    "~channel_id": lambda: f"165{os.urandom(6).hex()}",
    "~coupon_code": lambda: "".join(os.urandom(12).hex()[:12]).upper(),
}
"""Keys that nobody has; of other kinds any text will do."""


@dataclass(eq=False)
class Place:
    """Whose things are made here: a store's, or where `store` is None head office's."""

    name: str
    engine: Engine
    keyring: Keyring
    brand: Brand
    store: Store | None
    mark: str
    """In the name of everything made here, so that it is recognised wherever it turns up."""
    first: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[ScopedSession]:
        """A session of the whole brand, committed at the end."""
        with open_session(self.engine, Scope(self.brand.id)) as session:
            yield session
            session.commit()

    def owns(self, prefix: str) -> bool:
        """Whether this place has things of this kind."""
        if prefix not in THINGS:
            raise Uncovered(
                f"ids that begin with {prefix}_ are new: say in THINGS of tests/walls/things.py how to make one"
            )
        return (STORE if self.store else HEAD_OFFICE) in THINGS[prefix].owners

    def make_id(self, prefix: str, mark: str | None = None, *, rich: bool = False) -> UUID:
        """The UUID of a new thing of this place; `rich`: with all that hangs on such a thing."""
        if not self.owns(prefix):
            raise Uncovered(f"{self.name} has no {prefix}_")
        if prefix == "store" and self.store:
            return self.store.id
        with self.open() as session:
            made = Made(session, self.store, self.mark if mark is None else mark, self.keyring, rich)
            return THINGS[prefix].make(made)

    def make(self, prefix: str, mark: str | None = None) -> str:
        """The id of a new thing of this place."""
        return encode_id(_prefix(prefix), self.make_id(prefix, mark))

    def keep(self, prefix: str) -> str:
        """The id of a thing of this place, the same each time: for who only looks."""
        if prefix not in self.first:
            self.first[prefix] = encode_id(_prefix(prefix), self.make_id(prefix, rich=True))
        return self.first[prefix]

    def make_or_keep(self, prefix: str, *, fresh: bool) -> str:
        """A new thing for who changes it, the same each time for who only looks."""
        return self.make(prefix) if fresh else self.keep(prefix)

    @property
    def store_id(self) -> str:
        """The store's id outside."""
        assert self.store is not None
        return encode_id("store", self.store.id)

    def has_keys(self, kind: str) -> bool:
        """Whether this place has things that such a key finds."""
        if kind not in _OWNERS:
            raise Uncovered(f"keys of the kind {kind} are new: say in tests/walls/world.py whose they are")
        return self.owns(_OWNERS[kind])

    def make_key(self, kind: str) -> str:
        """A key of a new thing of this place, which bears no mark: whoever knows the key may come to see it."""
        prefix = _OWNERS[kind]
        if prefix == "store":
            with self.open() as session:
                return make.store(session, code=f"C-{os.urandom(5).hex()}").code
        thing_id = self.make_id(prefix, mark=f"鍵{os.urandom(4).hex()}")
        model: Any = _MODELS[prefix]
        with self.open() as session:
            if kind == "~customer_outside_id":
                outside = session.exec(select(ExternalId).where(col(ExternalId.customer_id) == thing_id)).one()
                return outside.value
            row = session.exec(select(model).where(col(model.id) == thing_id)).one()
            if kind == "~referral_code":
                of_member = select(LoyaltyMember).where(col(LoyaltyMember.customer_id) == row.customer_id)
                row = session.exec(of_member).one()
            return str(getattr(row, _COLUMNS.get(kind, kind[1:])))


def new_key(kind: str) -> str:
    """A key of this kind that no brand knows."""
    return NEW_KEYS.get(kind, lambda: f"未知{os.urandom(6).hex()}")()


def new_id(prefix: str) -> str:
    """A well-formed id that nothing has."""
    return encode_id(_prefix(prefix), uuid7())


def _prefix(kind: str) -> str:
    """What ids of a kind begin with."""
    return kind.partition("/")[0]


GATHERED = {"audit_entry", "audit_pending", "audit_seal", "credential_use", "rate_window"}
"""What is written of a brand's own calls some time after them, so that it stands in no digest."""


class World:
    """Ours with the stores A and B, theirs with X and Y; whoever calls is ours."""

    def __init__(self, engine: Engine, admin: Engine, keyring: Keyring) -> None:
        self.engine, self.admin, self.keyring = engine, admin, keyring
        ours, stores = self._new_brand()
        theirs, their_stores = self._new_brand()

        def place(name: str, brand: Brand, store: Store | None) -> Place:
            return Place(name, engine, keyring, brand, store, f"【{name}】{os.urandom(4).hex()}")

        self.office = place("head office", ours, None)
        self.a, self.b = place("store A", ours, stores[0]), place("store B", ours, stores[1])
        self.their_office = place("their head office", theirs, None)
        self.x, self.y = (
            place("their store X", theirs, their_stores[0]),
            place("their store Y", theirs, their_stores[1]),
        )
        for one in (self.office, self.a, self.b, self.their_office, self.x):
            for prefix in THINGS:
                if one.owns(prefix):
                    one.keep(prefix)
                    one.make(prefix)
        for brand in (ours, theirs):
            project(engine, brand.id, utc_now(), ())

    def _new_brand(self) -> tuple[Brand, list[Store]]:
        brand = make.new_brand(self.keyring)
        with open_session(self.engine, Scope(brand.id)) as session:
            session.add(brand)
            session.flush()
            stores = [make.store(session, code=f"C-{os.urandom(5).hex()}") for _ in range(2)]
            put_programme(session, make.POINT_RULES, utc_now())
            session.commit()
        return brand, stores

    def theirs(self, prefix: str) -> Place:
        """Where the other brand has things of this kind: at head office where it can, else at a store."""
        return self.their_office if self.their_office.owns(prefix) else self.x

    def own(self, place: Place, prefix: str, *, fresh: bool) -> str:
        """The id of a thing that a caller of this place may do anything with; head office may with those of stores."""
        if prefix == "store" and place.store is None and fresh:
            with place.open() as session:
                return encode_id("store", make.store(session, name=place.mark, code=f"C-{os.urandom(5).hex()}").id)
        return self._stores_of(place, place.owns(prefix)).make_or_keep(prefix, fresh=fresh)

    def own_key(self, place: Place, kind: str) -> str:
        """A key of a thing that a caller of this place may do anything with."""
        return self._stores_of(place, place.has_keys(kind)).make_key(kind)

    def _stores_of(self, place: Place, is_owner: bool) -> Place:
        if is_owner:
            return place
        if place.store is not None:
            return self.their_office if place.brand is self.x.brand else self.office
        return self.x if place.brand is self.x.brand else self.b

    @cached_property
    def their_ids(self) -> frozenset[UUID]:
        """Every id of the other brand."""
        return self._ids(self.x.brand.id, "true")

    def ids_of_b(self) -> frozenset[UUID]:
        """Every id of what is store B's alone, or a person's who is tied to it alone."""
        return self._ids(self.b.brand.id, f"coalesce(nos = '{{{self.b.store.no}}}', false)" if self.b.store else "true")

    def _ids(self, brand_id: UUID, where: str) -> frozenset[UUID]:
        parts = []
        for table in TABLES:
            if table.name == "brand" or "id" not in table.c:
                continue
            parts.append(
                f'SELECT id FROM (SELECT id, {_nos(table.name, table.c.keys())} AS nos FROM "{table.name}"'
                f" WHERE brand_id = '{brand_id}') AS rows WHERE {where}"
            )
        with self.admin.connect() as connection:
            return frozenset(connection.exec_driver_sql(" UNION ALL ".join(parts)).scalars())

    def digest_theirs(self) -> dict[str, str]:
        """What stands in each table for the other brand."""
        return self._digest(self.x.brand.id, lambda nos: "true")

    def digest_not_a(self) -> dict[str, str]:
        """What stands in each table for our brand that is not store A's: what has a store, or may have one."""
        assert self.a.store is not None
        no = self.a.store.no
        return self._digest(
            self.a.brand.id, lambda nos: "false" if nos == "null" else f"NOT coalesce({nos} && '{{{no}}}', false)"
        )

    def _digest(self, brand_id: UUID, which: Callable[[str], str]) -> dict[str, str]:
        parts = []
        for table in TABLES:
            where = which(_nos(table.name, table.c.keys()))
            if where == "false" or table.name in GATHERED:
                continue
            brand = "id" if table.name == "brand" else "brand_id"
            parts.append(
                f"SELECT '{table.name}', count(*) || ' ' || md5(string_agg(row::text, '' ORDER BY row::text))"
                f" FROM \"{table.name}\" AS row WHERE {brand} = '{brand_id}' AND {where}"
            )
        with self.admin.connect() as connection:
            return {row[0]: str(row[1]) for row in connection.exec_driver_sql(" UNION ALL ".join(parts))}


def _nos(table: str, columns: list[str]) -> str:
    """An expression for the store numbers of a row; `null` for tables that have none."""
    if table == "store":
        return "ARRAY[no]"
    if "store_nos" in columns:
        return "store_nos"
    if "store_no" in columns:
        return "ARRAY[store_no]"
    return "null"
