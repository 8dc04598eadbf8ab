"""Referrals: one customer brings another, and both are paid, once for each newcomer."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from app.customers.locks import lock_customers
from app.customers.models import Customer
from app.customers.queries import sees
from app.loyalty import ledger, queries
from app.loyalty.models import LoyaltyMember, PointEntry
from app.loyalty.problems import PointsProgrammeMissing, ReferralRefused
from app.loyalty.rules import Rules, expiry_of
from tenants.ids import encode_id, uuid7
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 8
"""32 letters in 8 places: 40 bits, and a guess only pays somebody points for bringing a person who is really new."""


@dataclass(frozen=True)
class Referral:
    """What a referral paid: to her who brought somebody, and to the one who was brought."""

    referrer: PointEntry
    newcomer: PointEntry
    is_new: bool


def code_of(session: ScopedSession, customer_id: UUID, *, scope: Scope, now: datetime) -> tuple[Customer, str]:
    """A customer's code by which she brings others, made at first need. Needs the whole brand. Raises NotFound,
    PointsProgrammeMissing."""
    if not queries.has_programme(session):
        raise PointsProgrammeMissing
    customer = _lock(session, [customer_id], scope).get(customer_id)
    if customer is None:
        raise NotFound
    member = queries.find_member(session, customer.id)
    if member is None:
        ledger.add_up(session, [customer.id], now)
        member = queries.find_member(session, customer.id)
    if member is None:
        raise AssertionError("who was added up is a member")
    if member.referral_code is None:
        member.referral_code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        session.add(member)
        session.flush()
    return customer, member.referral_code


def refer(session: ScopedSession, code: str, newcomer_id: UUID, *, scope: Scope, now: datetime) -> Referral:
    """Pay both for a newcomer; told again of the same two people, what was paid. Needs a session of the whole brand.

    Raises NotFound for a newcomer whom `scope` does not see or a code that nobody has, PointsProgrammeMissing, and
    ReferralRefused for oneself, for who is a customer already, and for who was brought by somebody else.
    """
    programme = queries.find_programme(session, now)
    if programme is None:
        raise PointsProgrammeMissing
    rule = programme.rules.get("referral")
    if rule is None:
        raise ReferralRefused("no_reward")
    holder = _find_holder(session, code.upper())
    if holder is None:
        raise NotFound
    people = lock_customers(session, [holder, newcomer_id])
    referrer, newcomer = people.get(holder), people.get(newcomer_id)
    if newcomer is None or not sees(scope, newcomer) or referrer is None:
        raise NotFound
    if referrer.id == newcomer.id:
        raise ReferralRefused("oneself")
    paid = [
        one for one in queries.list_earned(session, [newcomer.id], "referral") if one.source_ref.startswith(BROUGHT)
    ]
    if paid:
        first = paid[0].source_ref.removeprefix(BROUGHT)
        brought_by = queries.find_by_source(session, "earn", "referral", f"{BROUGHT_BY}{first}")
        if brought_by is None or brought_by.customer_id != referrer.id:
            raise ReferralRefused("already_referred")
        return Referral(brought_by, paid[0], is_new=False)
    _require_new(newcomer, rule, now)
    zone = queries.zone_of(session)
    name = encode_id("cus", newcomer.id)
    entries = [
        PointEntry(
            id=uuid7(),
            created_at=now,
            customer_id=who.id,
            kind="earn",
            origin="referral",
            delta=points,
            source_ref=f"{whose}{name}",
            payer="brand",
            occurred_at=now,
            expires_at=expiry_of(programme.rules, now, zone),
        )
        for who, points, whose in (
            (referrer, rule["referrer_points"], BROUGHT_BY),
            (newcomer, rule["newcomer_points"], BROUGHT),
        )
    ]
    ledger.add(session, entries, now)
    return Referral(entries[0], entries[1], is_new=True)


BROUGHT: Final = "newcomer:"
BROUGHT_BY: Final = "referrer:"
"""How the sources of the two entries begin; the newcomer's id follows."""


def _require_new(newcomer: Customer, rule: Rules, now: datetime) -> None:
    """Raises ReferralRefused unless she is somebody new: known for a few days only, and never bought or came."""
    known_since = min(newcomer.first_seen_at or newcomer.created_at, newcomer.created_at)
    is_old = known_since < now - timedelta(days=rule["within_days"])
    if is_old or newcomer.order_count > 0 or newcomer.visit_count > 0:
        raise ReferralRefused("already_customer")


def _find_holder(session: ScopedSession, code: str) -> UUID | None:
    member = select(LoyaltyMember.customer_id).where(col(LoyaltyMember.referral_code) == code)
    return session.exec(member).one_or_none()


def _lock(session: ScopedSession, customer_ids: list[UUID], scope: Scope) -> dict[UUID, Customer]:
    locked = lock_customers(session, customer_ids)
    return {asked: customer for asked, customer in locked.items() if sees(scope, customer)}
