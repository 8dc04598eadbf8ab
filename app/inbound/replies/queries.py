"""Reads of answers to LINE's events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.coupons.occasions import WELCOME
from app.inbound.models import LineReply
from app.inbound.replies.nearest import find_point
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Waiting:
    """An answer that waits, with what it takes to give it."""

    id: UUID
    attempts: int
    reason: str | None
    expires_at: datetime
    reply_token: str | None
    """None once the person is erased."""
    line_user_id: str | None
    kind: str
    values: dict[str, str | None]
    """Of the variables that may stand in a message; the coupon's where this event brought her a welcome."""
    coupon_id: UUID | None = None
    welcome_messages: list[dict[str, Any]] | None = None
    """What is said instead of the account's greeting to who was given a welcome."""
    own_messages: list[dict[str, Any]] | None = None
    """What an auto-reply says, the one way or the other."""
    point: tuple[float, float] | None = None
    """The place that she sent, in degrees."""
    language: str | None = None
    """As LINE tells of her."""
    prepared: list[dict[str, Any]] | None = None
    """What is said as it stands, with nothing to fill in."""


def list_replies(line_account_id: UUID, status: str | None) -> SelectOfScalar[LineReply]:
    """The answers of an account, in one status or in any."""
    wanted = select(LineReply).where(col(LineReply.line_account_id) == line_account_id)
    return wanted if status is None else wanted.where(col(LineReply.status) == status)


def lock_waiting(session: ScopedSession, account: LineAccount, most: int) -> list[Waiting]:
    """Up to `most` answers of an account that wait, the oldest first; those that another worker holds are left out."""
    rows = session.execute(
        _WAITING,
        {"brand_id": session.scope.brand_id, "line_account_id": account.id, "most": most, "welcome": WELCOME},
    ).all()
    return [
        Waiting(
            row.id,
            row.attempts,
            row.reason,
            row.expires_at,
            row.reply_token,
            row.line_user_id,
            row.kind,
            {
                "customer.name": row.customer_name,
                "store.name": row.store_name,
                "brand.name": row.brand_name,
                "coupon.name": row.coupon_name,
                "coupon.code": row.code,
                "coupon.expires_at": row.ends,
            },
            row.coupon_id,
            row.welcome_messages,
            row.own_messages,
            find_point(row.message) if isinstance(row.message, dict) else None,
            row.language,
        )
        for row in rows
    ]


_WAITING = text(
    """
    SELECT reply.id, reply.attempts, reply.reason, reply.expires_at, event.body->>'replyToken' AS reply_token,
           event.line_user_id, reply.kind, event.body->'message' AS message, (
               SELECT identity.language FROM identity
               WHERE identity.brand_id = :brand_id AND identity.customer_id = reply.customer_id
                   AND identity.provider_id = account.provider_id AND identity.line_user_id = event.line_user_id
               ORDER BY identity.profile_at DESC NULLS LAST LIMIT 1
           ) AS language, coalesce(customer.name, (
               SELECT identity.display_name FROM identity
               WHERE identity.brand_id = :brand_id AND identity.customer_id = reply.customer_id
                   AND identity.provider_id = account.provider_id AND identity.line_user_id = event.line_user_id
               ORDER BY identity.profile_at DESC NULLS LAST LIMIT 1
           )) AS customer_name,
           brand.name AS brand_name,
           CASE WHEN cardinality(account.store_nos) = 1 THEN store.name ELSE account.name END AS store_name,
           coupon.id AS coupon_id, coupon.name AS coupon_name, copy.code,
           CASE reply.kind WHEN 'greeting' THEN coupon.welcome_messages END AS welcome_messages,
           CASE WHEN reply.is_otherwise THEN auto.otherwise_messages ELSE auto.messages END AS own_messages,
           to_char(copy.expires_at AT TIME ZONE brand.timezone, 'FMMM/FMDD HH24:MI') AS ends
    FROM line_reply AS reply
    JOIN brand ON brand.id = :brand_id
    JOIN line_account AS account ON account.brand_id = :brand_id AND account.id = reply.line_account_id
    JOIN line_event AS event ON event.brand_id = :brand_id AND event.line_account_id = reply.line_account_id
        AND event.webhook_event_id = reply.webhook_event_id
    LEFT JOIN customer ON customer.brand_id = :brand_id AND customer.id = reply.customer_id
    LEFT JOIN store ON store.brand_id = :brand_id AND store.no = account.store_nos[1]
    LEFT JOIN auto_reply AS auto ON auto.brand_id = :brand_id AND auto.id = reply.auto_reply_id
    LEFT JOIN issued_coupon AS copy ON copy.brand_id = :brand_id AND copy.status = 'issued' AND copy.id = coalesce(
        reply.issued_coupon_id, (
            SELECT given.id FROM issued_coupon AS given
            WHERE given.brand_id = :brand_id AND given.customer_id = reply.customer_id AND reply.kind = 'greeting'
                AND given.source = :welcome || reply.webhook_event_id
            LIMIT 1
        ))
    LEFT JOIN coupon ON coupon.brand_id = :brand_id AND coupon.id = copy.coupon_id
    WHERE reply.brand_id = :brand_id AND reply.line_account_id = :line_account_id AND reply.status = 'waiting'
    ORDER BY reply.id LIMIT :most
    FOR UPDATE OF reply SKIP LOCKED
    """
)
