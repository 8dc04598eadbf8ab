"""Reads of links and of what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, func, text
from sqlmodel import col, select

from app.links.models import Link, LinkHour
from tenants.session import ScopedSession


def find_visited(engine: Engine, code: str) -> tuple[UUID, UUID] | None:
    """The brand and the id of the link with this code."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT brand_id, link_id FROM find_link(:code)"), {"code": code})
        row = found.one_or_none()
        connection.rollback()
    return None if row is None else (row.brand_id, row.link_id)


def find_link(session: ScopedSession, link_id: UUID, now: datetime) -> Link | None:
    """A link that still leads on."""
    wanted = select(Link).where(col(Link.id) == link_id, col(Link.expires_at) > now)
    return session.exec(wanted).one_or_none()


@dataclass(frozen=True)
class Reader:
    """Whom a link was sent to, and from where."""

    customer_id: UUID | None
    account_no: int | None
    store_no: int | None


def lock_reader(session: ScopedSession, run_id: UUID, customer_id: UUID) -> Reader | None:
    """The person to whom a run sent, as she is known today, her row locked; None whom it did not send to, or is gone.

    Who has been merged into another since is that other.
    """
    values = {"brand_id": session.scope.brand_id, "run_id": run_id, "customer_id": customer_id}
    row = session.execute(_LOCK_READER, values).first()
    return None if row is None else Reader(row.customer_id, row.account_no, row.store_no)


# Deliveries belong to a package above this one. That of a person merged since may be under either of her ids.
_LOCK_READER: Final = text(
    """
    SELECT customer.id AS customer_id, delivery.account_no, delivery.store_no
    FROM customer AS asked
    JOIN customer ON customer.brand_id = :brand_id AND customer.id = coalesce(asked.merged_into_id, asked.id)
        AND customer.erased_at IS NULL
    JOIN delivery ON delivery.brand_id = :brand_id AND delivery.run_id = :run_id
        AND delivery.customer_id IN (asked.id, customer.id) AND delivery.batch_no IS NOT NULL
    WHERE asked.brand_id = :brand_id AND asked.id = :customer_id
    ORDER BY delivery.account_no LIMIT 1
    FOR NO KEY UPDATE OF customer
    """
)


def find_sender(session: ScopedSession, account_no: int) -> Reader | None:
    """Somebody to whom an account sent: nobody knows who, and of which store only where the account has one."""
    values = {"brand_id": session.scope.brand_id, "account_no": account_no}
    row = session.execute(_FIND_SENDER, values).one_or_none()
    return None if row is None else Reader(None, account_no, row.store_nos[0] if len(row.store_nos) == 1 else None)


_FIND_SENDER: Final = text("SELECT store_nos FROM line_account WHERE brand_id = :brand_id AND no = :account_no")


@dataclass(frozen=True)
class Followed:
    """How often a link, or all links of a run, were followed."""

    clicks: int = 0
    unique_clicks: int = 0
    people: int = 0
    previews: int = 0


def list_links(session: ScopedSession, run_id: UUID) -> Sequence[Link]:
    """The links of a run, in the order of its variants."""
    links = select(Link).where(col(Link.run_id) == run_id)
    return session.exec(links.order_by(col(Link.variant).nulls_first(), col(Link.id))).all()


def count_by_link(session: ScopedSession, run_id: UUID) -> dict[UUID, Followed]:
    """How often each link of a run was followed; a store sees what was followed at it."""
    links = select(Link.id).where(col(Link.run_id) == run_id)
    sums = (func.sum(getattr(LinkHour, name)) for name in ("clicks", "unique_clicks", "people", "previews"))
    rows = select(LinkHour.link_id, *sums).where(col(LinkHour.link_id).in_(links)).group_by(col(LinkHour.link_id))
    return {row[0]: Followed(*(int(value) for value in row[1:])) for row in session.execute(rows)}


def count_by_variant(session: ScopedSession, run_id: UUID, until: datetime | None = None) -> dict[int | None, Followed]:
    """How often the links in each variant of a run were followed, in the hours that began before `until`."""
    sums = (func.sum(getattr(LinkHour, name)) for name in ("clicks", "unique_clicks", "people", "previews"))
    rows = (
        select(Link.variant, *sums)
        .join(LinkHour, col(LinkHour.link_id) == col(Link.id))
        .where(col(Link.run_id) == run_id)
        .group_by(col(Link.variant))
    )
    if until is not None:
        rows = rows.where(col(LinkHour.hour_at) < until)
    return {row[0]: Followed(*(int(value) for value in row[1:])) for row in session.execute(rows)}


def count_of_run(session: ScopedSession, run_id: UUID, until: datetime | None = None) -> Followed:
    """How often the links of a run were followed, all told."""
    parts = count_by_variant(session, run_id, until).values()
    return Followed(
        sum(one.clicks for one in parts),
        sum(one.unique_clicks for one in parts),
        sum(one.people for one in parts),
        sum(one.previews for one in parts),
    )


def list_hours(session: ScopedSession, run_id: UUID) -> list[tuple[datetime, Followed]]:
    """How often the links of a run were followed, hour by hour."""
    sums = (func.sum(getattr(LinkHour, name)) for name in ("clicks", "unique_clicks", "people", "previews"))
    links = select(Link.id).where(col(Link.run_id) == run_id)
    rows = (
        select(LinkHour.hour_at, *sums)
        .where(col(LinkHour.link_id).in_(links))
        .group_by(col(LinkHour.hour_at))
        .order_by(col(LinkHour.hour_at))
    )
    return [(row[0], Followed(*(int(value) for value in row[1:]))) for row in session.execute(rows)]
