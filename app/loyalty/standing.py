"""How a customer stands, for those who ask for all of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.loyalty import ledger, queries
from app.loyalty.lots import hold
from app.loyalty.rules import Rank, list_ranks, rank_after
from app.loyalty.schemas import NextExpiryRead, NextRankRead, RankRead, StandingRead
from tenants.session import ScopedSession


def show(session: ScopedSession, customer_id: UUID, *, tells_all: bool, now: datetime) -> StandingRead:
    """What a customer has, her rank and the next one, and what expires next. Needs a session of the whole brand.

    Without `tells_all` it is not told what is missing for the next rank, since that says what she spent everywhere.
    """
    programme = queries.find_programme(session, now)
    if programme is None:
        none = {"points": None, "debt": 0, "rank": None, "next_rank": None, "next_expiry": None}
        return StandingRead.model_validate({"customer_id": customer_id, **none})
    member = queries.find_member(session, customer_id)
    has = member.points if member is not None else 0
    rank = queries.rank_of(member, programme.rules)
    return StandingRead(
        customer_id=customer_id,
        points=max(0, has),
        debt=max(0, -has),
        rank=RankRead(**_members(rank)) if rank else None,
        next_rank=_next_rank(session, customer_id, programme.rules, tells_all, now),
        next_expiry=find_next_expiry(session, customer_id),
    )


def find_next_expiry(session: ScopedSession, customer_id: UUID) -> NextExpiryRead | None:
    """The points of a customer that go next, and when; None where none of them ever do."""
    lots = hold(queries.map_lines(session, [customer_id]).get(customer_id, ())).lots
    first = lots[0].expires_at if lots else None
    if first is None:
        return None
    return NextExpiryRead(points=sum(lot.left for lot in lots if lot.expires_at == first), expires_at=first)


def _next_rank(
    session: ScopedSession, customer_id: UUID, rules: dict[str, Any], tells_all: bool, now: datetime
) -> NextRankRead | None:
    if not rules.get("ranks"):
        return None
    figure = ledger.map_figures(session, rules, [customer_id], now).get(customer_id, 0)
    coming = rank_after(list_ranks(rules), figure)
    if coming is None:
        return None
    return NextRankRead(**_members(coming), missing=coming.at_least - figure if tells_all else None)


def _members(rank: Rank) -> dict[str, Any]:
    return {"key": rank.key, "name_ja": rank.name_ja, "name_en": rank.name_en, "at_least": rank.at_least}
