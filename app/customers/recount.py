"""recount(): the summaries on customers' rows and at stores, compared with what the detail tables say, and mended.

They are kept exact by whoever changes a detail, in the same transaction. Here they are counted anew by other means, so
what differs is a fault of ours: it is counted in a metric that must stay 0, and put right.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import text

from app.customers.locks import lock_customers
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from tenants.brands.queries import list_brand_ids
from tenants.session import ScopedSession

log = structlog.get_logger("customers")

AT_ONCE: Final = 10_000
"""Customers in one transaction: a second or two of reading, without a lock."""
FIGURES: Final = ("order_count", "spend_yen", "last_order_at", "visit_count", "last_visit_at")
"""What a summary adds up, on the customer's row and on those at her stores."""
LISTS: Final = ("tag_nos", "store_nos", "account_nos")
COLUMNS: Final = (
    *LISTS,
    *FIGURES,
    "usual_store_no",
    "customer_store",
    *(f"customer_store.{name}" for name in FIGURES),
)
"""What may differ. `customer_store` is a row that is missing, of a store to which something ties her."""
DIFFERENCES = Counter(
    "noren_summary_differences_total",
    "Customers of whom a column of their summary was not what the details say, and was mended; must be 0.",
    ["column"],
)
for _name in COLUMNS:
    DIFFERENCES.labels(_name)  # so that each is there from the start, at 0


@dataclass
class Recounted:
    """How many customers were recounted, and of how many each column differed."""

    customers: int = 0
    differences: Tally[str] = field(default_factory=Tally)


class OpensSessions(Protocol):
    """Opens one transaction after another in a brand's whole scope, each committed at the end."""

    def __call__(self) -> AbstractContextManager[ScopedSession]: ...


def recount(open_session: OpensSessions, now: datetime, *, mends: bool = True) -> Iterator[Recounted]:
    """Recount the customers of a brand, some thousands at a time: what was found in each of these slices.

    One statement sees a slice's summaries and details at the same instant, so changes meanwhile make no difference, and
    it waits for nobody and holds up nobody. Only those who differ are locked, and what still differs then is mended.
    """
    after = UUID(int=0)
    while True:
        with open_session() as session:
            span = session.execute(_SPAN, _values(session, after=after, most=AT_ONCE)).one()
            if span.until is None:
                return
            found = _compare(session, after=after, until=span.until)
            if found and mends:
                _mend(session, sorted(found), now)
        yield Recounted(span.people, Tally(column for columns in found.values() for column in columns))
        after = span.until


def _compare(session: ScopedSession, **span: UUID) -> dict[UUID, list[str]]:
    """Whose summary differs, and in which columns."""
    # What the planner knows of a table may be older than a large import, and a nested loop over it takes minutes.
    session.execute(text("SET LOCAL enable_nestloop = off"))
    rows = session.execute(text(_differing(_IN_SPAN)), _values(session, **span)).all()
    session.execute(text("RESET enable_nestloop"))
    return {row.id: row.columns for row in rows}


def _mend(session: ScopedSession, customer_ids: Sequence[UUID], now: datetime) -> None:
    """Write down what the details say of these people, whose rows are locked first."""
    lock_customers(session, customer_ids)
    values = _values(session, ids=list(customer_ids), now=now)
    for statement in _MEND:
        session.execute(statement, values)
    session.expire_all()


def _values(session: ScopedSession, **values: Any) -> dict[str, Any]:
    return {"brand_id": session.scope.brand_id, **values}


@task
def recount_brand(work: Work) -> None:
    """Recount all customers of a brand, and mend what differs."""
    people, differences = 0, Tally[str]()
    for found in recount(work.session, work.now):
        people += found.customers
        differences += found.differences
        for column, count in found.differences.items():
            DIFFERENCES.labels(column).inc(count)
    if differences:
        log.error("summaries_differed", brand_id=str(work.brand_id), customers=people, differences=dict(differences))


@periodic("10 18 * * *")
def recount_brands(clock: Clockwork) -> None:
    """Have every brand's customers recounted, each night."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            defer(session, recount_brand, once_key=f"recount:{brand_id}")


_SPAN = text(
    """
    SELECT count(*) AS people, (array_agg(id ORDER BY id DESC))[1] AS until FROM (
        SELECT id FROM customer WHERE brand_id = :brand_id AND id > :after ORDER BY id LIMIT :most
    ) AS slice
    """
)
_IN_SPAN: Final = "{} > :after AND {} <= :until"
_NAMED: Final = "{} = ANY(:ids)"


def _count(people: str) -> str:
    """The details of these customers, counted: `counted` by store, and by person `added_up`, `tagged` and `reached`.

    Each part reads its table by the brand and the customers, which its index knows, and none is joined before it is
    added up. A store to which something ties her stands in `counted` whether or not she has her row there; what that
    row says stands beside it, as `kept_…`.
    """
    customer_id, own_id = (people.replace("{}", name) for name in ("customer_id", "id"))
    hers = f"brand_id = :brand_id AND {customer_id}"
    nothing = f"0, 0, NULL, 0, NULL, false{', NULL' * len(FIGURES)}"
    kept = ", ".join(f"max(kept_{name}) AS kept_{name}" for name in FIGURES)
    differs = ", ".join(
        f"bool_or(is_kept AND kept_{name} IS DISTINCT FROM {name}) AS differs_{name}" for name in FIGURES
    )
    return f"""
        WITH happened AS (
            SELECT customer_id, store_no, 0 AS order_count, 0 AS spend_yen, CAST(NULL AS timestamptz) AS last_order_at,
                0 AS visit_count, CAST(NULL AS timestamptz) AS last_visit_at, true AS is_kept,
                {", ".join(f"{name} AS kept_{name}" for name in FIGURES)}
            FROM customer_store WHERE {hers}
            UNION ALL SELECT customer_id, store_no, 1, amount_yen - refunded_yen, ordered_at, 0, NULL,
                false{", NULL" * len(FIGURES)}
            FROM "order" WHERE {hers}
            UNION ALL SELECT customer_id, store_no, 0, 0, NULL, 1, visited_at, false{", NULL" * len(FIGURES)}
            FROM visit WHERE {hers}
            UNION ALL SELECT customer_id, store_no, {nothing} FROM redemption WHERE {hers}
            UNION ALL SELECT customer_id, unnest(store_nos), {nothing} FROM friend WHERE {hers}
            UNION ALL SELECT id, home_store_no, {nothing}
            FROM customer WHERE brand_id = :brand_id AND {own_id} AND home_store_no IS NOT NULL
        ), counted AS (
            SELECT customer_id, store_no, CAST(sum(order_count) AS int) AS order_count,
                CAST(sum(spend_yen) AS bigint) AS spend_yen, max(last_order_at) AS last_order_at,
                CAST(sum(visit_count) AS int) AS visit_count, max(last_visit_at) AS last_visit_at,
                bool_or(is_kept) AS is_kept, {kept}
            FROM happened GROUP BY 1, 2
        ), added_up AS (
            SELECT customer_id, array_agg(store_no ORDER BY store_no) AS store_nos,
                CAST(sum(order_count) AS int) AS order_count, CAST(sum(spend_yen) AS bigint) AS spend_yen,
                max(last_order_at) AS last_order_at, CAST(sum(visit_count) AS int) AS visit_count,
                max(last_visit_at) AS last_visit_at,
                (array_agg(store_no ORDER BY order_count + visit_count DESC,
                    greatest(last_order_at, last_visit_at) DESC NULLS LAST, store_no)
                    FILTER (WHERE order_count + visit_count > 0))[1] AS usual_store_no,
                NOT bool_and(is_kept) AS lacks_row, {differs}
            FROM counted GROUP BY 1
        ), tagged AS (
            SELECT customer_id, array_agg(tag_no ORDER BY tag_no) AS tag_nos FROM customer_tag WHERE {hers} GROUP BY 1
        ), reached AS (
            SELECT customer_id, array_agg(DISTINCT account_no ORDER BY account_no) AS account_nos
            FROM friend WHERE {hers} AND status = 'following' GROUP BY 1
        )"""


def _people(people: str) -> str:
    """The customers who are present, each beside what was counted of her."""
    return f"""customer AS person
        LEFT JOIN added_up ON added_up.customer_id = person.id
        LEFT JOIN tagged ON tagged.customer_id = person.id
        LEFT JOIN reached ON reached.customer_id = person.id
        WHERE person.brand_id = :brand_id AND {people.replace("{}", "person.id")}
            AND person.erased_at IS NULL AND person.merged_into_id IS NULL"""


_COUNTED: Final = {
    "tag_nos": "coalesce(tagged.tag_nos, '{}')",
    "store_nos": "coalesce(added_up.store_nos, '{}')",
    "account_nos": "coalesce(reached.account_nos, '{}')",
    "order_count": "coalesce(added_up.order_count, 0)",
    "spend_yen": "coalesce(added_up.spend_yen, 0)",
    "last_order_at": "added_up.last_order_at",
    "visit_count": "coalesce(added_up.visit_count, 0)",
    "last_visit_at": "added_up.last_visit_at",
    "usual_store_no": "added_up.usual_store_no",
}
"""The columns of a customer's row, as they were counted."""


def _is_other(name: str) -> str:
    """Whether a column of a customer's row is not as it was counted; a list may hold its numbers in any order."""
    kept, counted = f"person.{name}", _COUNTED[name]
    if name in LISTS:
        return f"NOT ({kept} @> {counted} AND {kept} <@ {counted} AND cardinality({kept}) = cardinality({counted}))"
    return f"{kept} IS DISTINCT FROM {counted}"


_DIFFERS: Final = {
    **{name: _is_other(name) for name in _COUNTED},
    "customer_store": "coalesce(added_up.lacks_row, false)",
    **{f"customer_store.{name}": f"coalesce(added_up.differs_{name}, false)" for name in FIGURES},
}


def _differing(people: str) -> str:
    named = ", ".join(f"CASE WHEN {differs} THEN '{column}' END" for column, differs in _DIFFERS.items())
    return f"""
        {_count(people)}
        SELECT * FROM (
            SELECT person.id, array_remove(ARRAY[{named}], NULL) AS columns FROM {_people(people)}
        ) AS compared WHERE cardinality(columns) > 0"""


_NAMES: Final = ", ".join(FIGURES)
_MEND: Final = (
    text(
        f"""
        {_count(_NAMED)}
        INSERT INTO customer_store (brand_id, customer_id, store_id, store_no, updated_at, {_NAMES})
        SELECT :brand_id, counted.customer_id, store.id, store.no, :now, {_NAMES}
        FROM counted JOIN store ON store.brand_id = :brand_id AND store.no = counted.store_no
        ON CONFLICT DO NOTHING
        """
    ),
    text(
        f"""
        {_count(_NAMED)}
        UPDATE customer_store AS kept
        SET ({_NAMES}) = ({", ".join(f"counted.{name}" for name in FIGURES)}), updated_at = :now
        FROM counted
        WHERE kept.brand_id = :brand_id AND kept.customer_id = counted.customer_id AND kept.store_no = counted.store_no
            AND ({" OR ".join(f"kept.{name} IS DISTINCT FROM counted.{name}" for name in FIGURES)})
        """
    ),
    text(
        f"""
        {_count(_NAMED)}
        UPDATE customer AS mended
        SET {", ".join(f"{name} = counted.{name}" for name in _COUNTED)}, updated_at = :now
        FROM (
            SELECT person.id, {", ".join(f"{counted} AS {name}" for name, counted in _COUNTED.items())}
            FROM {_people(_NAMED)} AND ({" OR ".join(_is_other(name) for name in _COUNTED)})
        ) AS counted
        WHERE mended.brand_id = :brand_id AND mended.id = counted.id
        """
    ),
)
