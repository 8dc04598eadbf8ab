"""Everything that is sealed at rest, and the verbs of its keys: count what opens, rewrap, replace a brand's data key.

All of it runs beside the service. Whoever reads a brand's keys does so in the transaction in which it uses them, so a
step counts once every transaction that began before it has ended; that is what `wait_for_older_transactions` is for.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, text, tuple_
from sqlmodel import col, select

from app.idempotency import IdempotencyKey, answer_purpose
from app.webhooks.models import WebhookEndpoint
from app.webhooks.signing import secret_purpose as webhook_purpose
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import login_secret_purpose, secret_purpose
from tenants.scope import Scope
from tenants.sealing import BrandKey, Keyring, Unsealable
from tenants.session import ScopedSession, open_session

ROWS = 200
"""Sealed again in one transaction."""
LONGEST_TRANSACTION_SECONDS = 900.0
POLL_SECONDS = 0.05


class StillBusy(Exception):
    """A transaction has been open for so long that the rotation stopped; running it again takes it up where it was."""


@dataclass(frozen=True)
class Sealed:
    """A column that holds sealed values, and the place that each of them is bound to."""

    model: Any
    column: str
    purpose: Callable[[Any], str]

    @property
    def name(self) -> str:
        """As `table.column`."""
        return f"{self.model.__tablename__}.{self.column}"


SEALED: Sequence[Sealed] = (
    Sealed(LineAccount, "sealed_secret", lambda row: secret_purpose(row.id)),
    Sealed(LineAccount, "sealed_previous_secret", lambda row: secret_purpose(row.id)),
    Sealed(LineAccount, "sealed_login_secret", lambda row: login_secret_purpose(row.id)),
    Sealed(WebhookEndpoint, "sealed_secret", lambda row: webhook_purpose(row.id)),
    Sealed(WebhookEndpoint, "sealed_previous_secret", lambda row: webhook_purpose(row.id)),
    Sealed(IdempotencyKey, "answer", lambda row: answer_purpose(row.caller_id, row.key)),
)
"""Every column with something sealed. A new one is entered here, or no rotation would reach it."""


@dataclass(frozen=True)
class BrandCheck:
    """How one brand's secrets are kept."""

    master_key_id: str
    opened: bool
    """Whether its data keys open."""
    data_keys: int
    values: Mapping[str, int]
    """Sealed values by `table.column`."""
    undecryptable: Mapping[str, int]


def check_brand(engine: Engine, keyring: Keyring, brand_id: UUID) -> BrandCheck | None:
    """Open every sealed value of a brand; None when the brand is gone."""
    with open_session(engine, Scope(brand_id)) as session:
        row = session.exec(select(Brand.master_key_id, Brand.wrapped_key)).one_or_none()
        if row is None:
            return None
        try:
            key = keyring.open(brand_id, row[0], bytes(row[1]))
        except Unsealable:
            key = None
        values, undecryptable = {}, {}
        for sealed in SEALED:
            values[sealed.name], undecryptable[sealed.name] = _count(session, sealed, key)
    return BrandCheck(row[0], key is not None, len(key.numbers) if key else 0, values, undecryptable)


def _count(session: ScopedSession, sealed: Sealed, key: BrandKey | None) -> tuple[int, int]:
    """Sealed values of one column, and how many of them do not open."""
    column = getattr(sealed.model, sealed.column)
    rows = session.exec(select(sealed.model).where(column.is_not(None)).execution_options(yield_per=500))
    total = shut = 0
    for row in rows:
        total += 1
        shut += not _opens(row, sealed, key)
    return total, shut


def _opens(row: Any, sealed: Sealed, key: BrandKey | None) -> bool:
    if key is None:
        return False
    try:
        key.unseal(bytes(getattr(row, sealed.column)), sealed.purpose(row))
    except Unsealable:
        return False
    return True


def rewrap(engine: Engine, keyring: Keyring, brand_id: UUID) -> bool:
    """Wrap a brand's data keys with the current master key; whether another wrapped them before. Raises Unsealable."""
    with open_session(engine, Scope(brand_id)) as session:
        brand = _lock_brand(session)
        if brand is None or brand.master_key_id == keyring.current:
            return False
        _keep(brand, keyring, keyring.open(brand_id, brand.master_key_id, brand.wrapped_key))
        session.commit()
    return True


@dataclass(frozen=True)
class Resealed:
    """What a new data key made of one brand."""

    values: int
    """Sealed again under the new key."""
    undecryptable: int
    """Values that did not open before either; as long as there are any, the older keys are kept."""


def replace_data_key(engine: Engine, keyring: Keyring, brand_id: UUID) -> Resealed:
    """Give a brand a new data key and seal all that it has under it. Raises Unsealable, StillBusy.

    Interrupted at any place it can be run again, and goes on with the key that it had begun to introduce.
    """
    # Known before it is used: what others seal under the new key must open for those who came before.
    _change_keys(engine, keyring, brand_id, lambda key: key if len(key.numbers) > 1 else key.with_further_key())
    wait_for_older_transactions(engine)
    key = _change_keys(engine, keyring, brand_id, BrandKey.with_newest_current)
    if key is None:
        return Resealed(0, 0)
    # And no longer used before it is given up: those who came before may still seal under the old one.
    wait_for_older_transactions(engine)
    counts = [_reseal(engine, key, sealed) for sealed in SEALED]
    resealed = Resealed(sum(done for done, _ in counts), sum(shut for _, shut in counts))
    if not resealed.undecryptable:
        # Whoever read a value before it was sealed again may be about to open it.
        wait_for_older_transactions(engine)
        _change_keys(engine, keyring, brand_id, BrandKey.with_current_only)
    return resealed


def _change_keys(
    engine: Engine, keyring: Keyring, brand_id: UUID, change: Callable[[BrandKey], BrandKey]
) -> BrandKey | None:
    """A brand's keys after a change of them; None when the brand is gone. Raises Unsealable."""
    with open_session(engine, Scope(brand_id)) as session:
        brand = _lock_brand(session)
        if brand is None:
            return None
        key = change(keyring.open(brand_id, brand.master_key_id, brand.wrapped_key))
        _keep(brand, keyring, key)
        session.commit()
    return key


def _lock_brand(session: ScopedSession) -> Brand | None:
    return session.exec(select(Brand).with_for_update(key_share=True)).one_or_none()


def _keep(brand: Brand, keyring: Keyring, key: BrandKey) -> None:
    brand.master_key_id, brand.wrapped_key = keyring.wrap(key)


def _reseal(engine: Engine, key: BrandKey, sealed: Sealed) -> tuple[int, int]:
    """Seal again what is under older keys, some rows at a time; how many were, and how many do not open."""
    names = [column.name for column in sealed.model.__table__.primary_key]
    place = tuple_(*(col(getattr(sealed.model, name)) for name in names))
    column = getattr(sealed.model, sealed.column)
    is_older = column.is_not(None) & (func.substr(column, 1, len(key.header)) != key.header)
    after: tuple[Any, ...] | None = None
    done = shut = 0
    while True:
        older = select(sealed.model).where(is_older)
        if after is not None:
            older = older.where(place > after)
        with open_session(engine, Scope(key.brand_id)) as session:
            rows = session.exec(older.order_by(place).limit(ROWS).with_for_update(key_share=True)).all()
            if not rows:
                return done, shut
            for row in rows:
                after = tuple(getattr(row, name) for name in names)
                try:
                    plain = key.unseal(bytes(getattr(row, sealed.column)), sealed.purpose(row))
                except Unsealable:
                    shut += 1
                    continue
                setattr(row, sealed.column, key.seal(plain, sealed.purpose(row)))
                done += 1
            session.commit()


def wait_for_older_transactions(engine: Engine, seconds: float = LONGEST_TRANSACTION_SECONDS) -> None:
    """Return when every transaction of the app's role that is open now has ended. Raises StillBusy."""
    until = time.monotonic() + seconds
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Asked for once, by the database's clock: a transaction that begins later sees what has been committed by now.
        now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        while connection.execute(_OLDER, {"now": now}).scalar_one():
            if time.monotonic() > until:
                raise StillBusy
            time.sleep(POLL_SECONDS)


_OLDER = text(
    "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND datname = current_database()"
    " AND pid <> pg_backend_pid() AND xact_start < :now"
)
