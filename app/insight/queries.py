"""Reads of units."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.insight.models import InsightUnit
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession

COUNTED_FOR: Final = timedelta(days=15)
"""After the last of a run was sent: LINE counts for 14 days, and tells of a day on the next one."""
ASKED_AGAIN_AFTER: Final = timedelta(hours=20)
FORGOTTEN_AFTER: Final = timedelta(days=75)
"""Whatever has become of its run."""


def list_units(session: ScopedSession, run_id: UUID) -> Sequence[InsightUnit]:
    """The units of a run, at the accounts that the scope sees."""
    units = (
        select(InsightUnit)
        .join(LineAccount, col(LineAccount.id) == col(InsightUnit.line_account_id))
        .where(col(InsightUnit.run_id) == run_id)
    )
    return session.exec(units.order_by(col(LineAccount.no), col(InsightUnit.variant).nulls_first())).all()


def list_due_accounts(session: ScopedSession, now: datetime) -> Sequence[UUID]:
    """The accounts of which units are to be asked for now."""
    return session.execute(_DUE_ACCOUNTS, _values(session, now)).scalars().all()


def list_due_units(session: ScopedSession, line_account_id: UUID, now: datetime, most: int) -> Sequence[InsightUnit]:
    """Units of one account to be asked for now, those first of which LINE has told nothing yet."""
    values = _values(session, now) | {"line_account_id": line_account_id, "most": most}
    names = session.execute(_DUE_UNITS, values).scalars().all()
    units = select(InsightUnit).where(
        col(InsightUnit.line_account_id) == line_account_id, col(InsightUnit.name).in_(names)
    )
    return session.exec(units.order_by(col(InsightUnit.asked_at).nulls_first(), col(InsightUnit.name))).all()


def _values(session: ScopedSession, now: datetime) -> dict[str, object]:
    return {
        "brand_id": session.scope.brand_id,
        "counted_for": COUNTED_FOR,
        "asked_before": now - ASKED_AGAIN_AFTER,
        "created_after": now - FORGOTTEN_AFTER,
    }


# The run is of a package above this one. What was sent today LINE tells tomorrow.
_DUE: Final = """
    FROM insight_unit AS unit JOIN run ON run.brand_id = :brand_id AND run.id = unit.run_id
    WHERE unit.brand_id = :brand_id AND unit.created_at > :created_after AND unit.created_at < :asked_before
      AND (unit.asked_at IS NULL OR unit.asked_at < :asked_before)
      AND (unit.asked_at IS NULL OR unit.asked_at < coalesce(run.finished_at, unit.asked_at) + :counted_for)
"""
_DUE_ACCOUNTS: Final = text(f"SELECT DISTINCT unit.line_account_id {_DUE}")
_DUE_UNITS: Final = text(
    f"SELECT unit.name {_DUE} AND unit.line_account_id = :line_account_id"
    " ORDER BY unit.asked_at NULLS FIRST, unit.name LIMIT :most"
)
