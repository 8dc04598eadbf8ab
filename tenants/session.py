"""open_session(bind, scope): one transaction that sees one scope."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import ORMExecuteState, SessionTransaction, with_loader_criteria
from sqlmodel import Session

from tenants.scope import Scope
from tenants.tables import BrandRow, Walled


class ScopedSession(Session):
    """A session bound to one scope: the wall is row-level security, the filter by brand only makes it free."""

    scope: Scope


def open_session(bind: Engine | Connection, scope: Scope, **options: Any) -> ScopedSession:
    """A session whose transactions see this scope and nothing else. The caller ends it; services never commit."""
    session = ScopedSession(bind, expire_on_commit=False, autoflush=True, **options)
    session.scope = scope
    session.info["filter"] = _brand_filter(scope.brand_id)
    return session


@contextmanager
def as_seen_by(session: ScopedSession, store_no: int | None) -> Iterator[ScopedSession]:
    """A session inside the same transaction that sees what one store sees; for head office (None) the session itself.

    What a store asks of people is found out with its own eyes, also where the verb looks over the whole brand: else
    its answer would tell of other stores. For reading: what is written inside is undone with the block.
    """
    if store_no is None:
        yield session
        return
    scope = Scope(session.scope.brand_id, frozenset({store_no}))
    # A savepoint, so that Postgres itself puts the wider scope back, however the block ends.
    with open_session(session.connection(), scope, join_transaction_mode="create_savepoint") as inside:
        yield inside


def scope_statement(scope: Scope) -> str:
    """The SQL that sets the scope until the transaction ends.

    Literals of validated values and SET LOCAL, since `set_config()` is not forwarded by a sharded database.
    """
    stores = "all" if scope.store_nos is None else "{" + ",".join(str(int(no)) for no in sorted(scope.store_nos)) + "}"
    return f"SET LOCAL noren.brand_id = '{scope.brand_id}'; SET LOCAL noren.stores = '{stores}'"


@lru_cache(maxsize=1024)
def _brand_filter(brand_id: UUID) -> Any:
    return with_loader_criteria(Walled, lambda row: row.brand_id == brand_id, include_aliases=True)


@event.listens_for(ScopedSession, "after_begin")
def _enter_scope(session: ScopedSession, transaction: SessionTransaction, connection: Connection) -> None:
    connection.exec_driver_sql(scope_statement(session.scope))


@event.listens_for(ScopedSession, "do_orm_execute")
def _filter_by_brand(state: ORMExecuteState) -> None:
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(state.session.info["filter"])


@event.listens_for(ScopedSession, "before_flush")
def _write_brand(session: ScopedSession, context: object, instances: object) -> None:
    for row in session.new:
        if isinstance(row, BrandRow):
            row.brand_id = session.scope.brand_id
