"""Reads of auto-replies, and of what a weather rule concluded last."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.auto_replies.models import AutoReply
from app.weather.models import WeatherDecision, WeatherRule
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_auto_replies() -> SelectOfScalar[AutoReply]:
    """Auto-replies that are not archived."""
    return select(AutoReply).where(col(AutoReply.archived_at).is_(None))


def get_auto_reply(session: ScopedSession, auto_reply_id: UUID) -> AutoReply:
    """One that is not archived. Raises NotFound."""
    found = session.exec(list_auto_replies().where(col(AutoReply.id) == auto_reply_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def lock_auto_reply(session: ScopedSession, auto_reply_id: UUID) -> AutoReply:
    """One that is not archived, for changing it. Raises NotFound."""
    wanted = list_auto_replies().where(col(AutoReply.id) == auto_reply_id)
    found = session.exec(wanted.with_for_update(key_share=True)).one_or_none()
    if found is None:
        raise NotFound
    return found


def count_auto_replies(session: ScopedSession) -> int:
    """How many the brand has that are not archived."""
    return session.exec(select(func.count()).select_from(list_auto_replies().subquery())).one()


def list_live(session: ScopedSession) -> Sequence[AutoReply]:
    """Those that answer, in the order in which they are asked: by priority, then the older."""
    live = list_auto_replies().where(col(AutoReply.status) == "live")
    return session.exec(live.order_by(col(AutoReply.priority).desc(), col(AutoReply.id))).all()


def find_live_rule(session: ScopedSession, rule_id: UUID) -> WeatherRule | None:
    """A weather rule that decides now."""
    return session.exec(
        select(WeatherRule).where(
            col(WeatherRule.id) == rule_id, col(WeatherRule.status) == "live", col(WeatherRule.archived_at).is_(None)
        )
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Concluded:
    """The last that a rule concluded for a store."""

    store_no: int
    business_on: date
    reason: str
    is_on: bool


def list_concluded(session: ScopedSession, rule_id: UUID, store_nos: Collection[int], since: date) -> list[Concluded]:
    """What a rule concluded last for each of these stores, of business days since a date; by store."""
    last = (
        select_columns(
            col(WeatherDecision.store_no),
            col(WeatherDecision.business_on),
            col(WeatherDecision.reason),
            col(WeatherDecision.state_on),
        )
        .where(
            col(WeatherDecision.weather_rule_id) == rule_id,
            col(WeatherDecision.store_no).in_(list(store_nos)),
            col(WeatherDecision.business_on) >= since,
        )
        .ext(distinct_on(col(WeatherDecision.store_no)))
        .order_by(col(WeatherDecision.store_no), col(WeatherDecision.id).desc())
    )
    return [Concluded(*row) for row in session.execute(last)]
