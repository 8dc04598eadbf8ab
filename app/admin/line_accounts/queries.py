"""Reads about LINE accounts that reach over to quotas, friends, identities and forwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, literal, or_, select

from app.customers.models import Friend
from app.messaging.models import QuotaMonth
from app.messaging.quota import quota_month
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.session import ScopedSession

FRESH = timedelta(hours=24)
"""How long a check counts."""
TROUBLE_AGAIN = timedelta(hours=1)
UNREACHED_AGAIN = timedelta(minutes=10)
EVIDENCE_FRIENDS = 20_000
"""The newest friends of an account among whom a contradiction about its provider is looked for."""


def map_quotas(session: Session, account_ids: Sequence[UUID], now: datetime) -> dict[UUID, QuotaMonth]:
    """This month's quota of each account that has one."""
    rows = session.exec(
        select(QuotaMonth).where(
            col(QuotaMonth.line_account_id).in_(account_ids), col(QuotaMonth.month_on) == quota_month(now)
        )
    ).all()
    return {row.line_account_id: row for row in rows}


def has_friends(session: Session, account_id: UUID) -> bool:
    """Whether anybody has ever followed this account."""
    return session.exec(select(Friend.id).where(col(Friend.line_account_id) == account_id).limit(1)).first() is not None


def list_others(session: Session, account: LineAccount) -> Sequence[LineAccount]:
    """The brand's other live accounts of the same mode, oldest first."""
    others = live_accounts().where(col(LineAccount.id) != account.id, col(LineAccount.mode) == account.mode)
    return session.exec(others.order_by(col(LineAccount.no))).all()


def list_due_ids(session: Session, now: datetime, most: int) -> Sequence[UUID]:
    """Accounts whose last check is too old to count, the oldest first.

    Of those that were never checked nobody has asked for it, as in an import.
    """
    unreached = col(LineAccount.findings).bool_op("@>")(literal([{"check": "line"}], JSONB))
    due = live_accounts().where(
        or_(
            col(LineAccount.checked_at) < now - FRESH,
            (col(LineAccount.status) == "trouble") & (col(LineAccount.checked_at) < now - TROUBLE_AGAIN),
            unreached & (col(LineAccount.checked_at) < now - UNREACHED_AGAIN),
        )
    )
    return [account.id for account in session.exec(due.order_by(col(LineAccount.checked_at)).limit(most)).all()]


def count_accounts(session: Session) -> int:
    """How many live accounts the brand has."""
    return session.exec(select(func.count()).where(col(LineAccount.archived_at).is_(None))).one()


@dataclass(frozen=True)
class Contradiction:
    """A person's LINE user id that this account's provider and another's are both said to have given."""

    other_no: int
    other_name: str
    other_provider_id: str


def find_contradiction(session: ScopedSession, account: LineAccount) -> Contradiction | None:
    """Evidence that this account's provider or another's is stated wrongly: LINE gives no id to two providers."""
    values: dict[str, Any] = {
        "brand_id": session.scope.brand_id,
        "account_id": account.id,
        "provider_id": account.provider_id,
        "most": EVIDENCE_FRIENDS,
    }
    row = session.execute(_CONTRADICTION, values).first()
    return None if row is None else Contradiction(row.no, row.name, row.provider_id)


# Provider by provider, since an identity is found by its provider and its id.
_CONTRADICTION = text(
    """
    WITH mine AS MATERIALIZED (
        SELECT identity.line_user_id
        FROM (
            SELECT identity_id FROM friend WHERE brand_id = :brand_id AND line_account_id = :account_id
            ORDER BY identity_id DESC LIMIT :most
        ) AS newest
        JOIN identity ON identity.brand_id = :brand_id AND identity.id = newest.identity_id
        WHERE identity.provider_id = :provider_id
    ), other AS (
        SELECT DISTINCT provider_id FROM line_account
        WHERE brand_id = :brand_id AND archived_at IS NULL AND provider_id <> :provider_id
    )
    SELECT account.no, account.name, account.provider_id
    FROM other
    JOIN mine ON true
    JOIN identity AS theirs ON theirs.brand_id = :brand_id AND theirs.provider_id = other.provider_id
        AND theirs.line_user_id = mine.line_user_id
    JOIN friend ON friend.brand_id = :brand_id AND friend.identity_id = theirs.id
    JOIN line_account AS account ON account.brand_id = :brand_id AND account.id = friend.line_account_id
    WHERE account.archived_at IS NULL AND account.provider_id = other.provider_id
    ORDER BY account.no LIMIT 1
    """
)


@dataclass(frozen=True)
class ForwardHealth:
    """How the forwarding of an account's webhooks to another tool goes."""

    failing_since: datetime | None
    dead: int
    """Calls that were given up and can be sent again: not those that named a person who was erased."""


def read_forward_health(session: ScopedSession, account_id: UUID) -> ForwardHealth | None:
    """How forwarding goes; None where nothing is forwarded. Written here in SQL, since the intake stands beside us."""
    values = {"brand_id": session.scope.brand_id, "account_id": account_id}
    row = session.execute(_FORWARD, values).first()
    return None if row is None else ForwardHealth(row.failing_since, row.dead)


_FORWARD = text(
    """
    SELECT failing_since, (
        SELECT count(*) FROM line_forward_call AS call
        WHERE call.brand_id = :brand_id AND call.line_account_id = :account_id AND call.state = 'dead'
          AND call.body IS NOT NULL
    ) AS dead
    FROM line_forward WHERE brand_id = :brand_id AND line_account_id = :account_id AND active
    """
)
