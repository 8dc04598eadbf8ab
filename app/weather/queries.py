"""Reads of areas, forecasts, rules and decisions."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, text
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from app.coupons.models import IssuedCoupon, Redemption
from app.weather.areas import Level
from app.weather.models import (
    ForecastIssue,
    ForecastOffice,
    PollenSpell,
    WeatherArea,
    WeatherDecision,
    WeatherFirst,
    WeatherRule,
    WeatherStation,
)
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store


def list_areas(session: Session) -> Sequence[WeatherArea]:
    """Every area of every level."""
    return session.exec(select(WeatherArea)).all()


def has_areas(session: Session) -> bool:
    """Whether the tables have been synchronised at all."""
    return session.exec(select(WeatherArea.code).limit(1)).first() is not None


def list_districts(session: Session, codes: Collection[str]) -> Sequence[WeatherArea]:
    """The class10 areas with these codes."""
    wanted = select(WeatherArea).where(
        col(WeatherArea.level) == Level.CLASS10, col(WeatherArea.code).in_(sorted(codes))
    )
    return session.exec(wanted).all()


def list_stations(session: Session) -> Sequence[WeatherStation]:
    """The stations whose temperature is forecast."""
    return session.exec(select(WeatherStation)).all()


def find_office(session: Session, office: str) -> ForecastOffice | None:
    """What is known of an office's file, or None before its first fetch."""
    return session.exec(select(ForecastOffice).where(col(ForecastOffice.office) == office)).one_or_none()


def find_issue(session: Session, office: str, content_hash: bytes) -> ForecastIssue | None:
    """The body with this hash, if the office has ever published it."""
    wanted = select(ForecastIssue).where(
        col(ForecastIssue.office) == office, col(ForecastIssue.content_hash) == content_hash
    )
    return session.exec(wanted).one_or_none()


def list_current(session: Session, offices: Collection[str]) -> Sequence[tuple[ForecastOffice, ForecastIssue | None]]:
    """Each office that has been tried, with its newest body."""
    return session.exec(
        select(ForecastOffice, ForecastIssue)
        .join(ForecastIssue, col(ForecastIssue.id) == col(ForecastOffice.issue_id), isouter=True)
        .where(col(ForecastOffice.office).in_(sorted(offices)))
    ).all()


def list_brands_with_live_rules(session: Session) -> Sequence[UUID]:
    """The brands that a tick has to visit; found before any brand is known."""
    return session.execute(text("SELECT list_brands_with_live_rules()")).scalars().all()


def get_rule(session: ScopedSession, rule_id: UUID) -> WeatherRule:
    """A rule that is not archived. Raises NotFound."""
    rule = session.exec(
        select(WeatherRule).where(col(WeatherRule.id) == rule_id, col(WeatherRule.archived_at).is_(None))
    ).one_or_none()
    if rule is None:
        raise NotFound
    return rule


def lock_rule(session: ScopedSession, rule_id: UUID) -> WeatherRule:
    """A rule that is not archived, locked until the transaction ends. Raises NotFound."""
    rule = session.exec(
        select(WeatherRule)
        .where(col(WeatherRule.id) == rule_id, col(WeatherRule.archived_at).is_(None))
        .with_for_update(key_share=True)
    ).one_or_none()
    if rule is None:
        raise NotFound
    return rule


def list_live_rules(session: ScopedSession) -> Sequence[WeatherRule]:
    """The rules that may fire, those of higher priority first, then the older."""
    live = select(WeatherRule).where(col(WeatherRule.status) == "live", col(WeatherRule.archived_at).is_(None))
    return session.exec(live.order_by(col(WeatherRule.priority).desc(), col(WeatherRule.id))).all()


def list_stores(session: ScopedSession) -> Sequence[Store]:
    """The stores that are in business."""
    return session.exec(select(Store).where(col(Store.archived_at).is_(None)).order_by(col(Store.no))).all()


def list_fired(session: ScopedSession, rule_ids: Collection[UUID], since: date) -> Sequence[tuple[UUID, int, date]]:
    """Rule, store's number and business day of each firing since a date."""
    return session.exec(
        select(
            col(WeatherDecision.weather_rule_id), col(WeatherDecision.store_no), col(WeatherDecision.business_on)
        ).where(
            col(WeatherDecision.fired),
            col(WeatherDecision.weather_rule_id).in_(list(rule_ids)),
            col(WeatherDecision.business_on) >= since,
        )
    ).all()


def list_fired_stores(session: ScopedSession, since: date) -> Sequence[tuple[int, date, UUID, str]]:
    """Store's number, business day, rule and its name of each firing since a date, whatever has become of the rule."""
    return session.exec(
        select(
            col(WeatherDecision.store_no),
            col(WeatherDecision.business_on),
            col(WeatherRule.id),
            col(WeatherRule.name),
        )
        .join(WeatherRule, col(WeatherRule.id) == col(WeatherDecision.weather_rule_id))
        .where(col(WeatherDecision.fired), col(WeatherDecision.business_on) >= since)
    ).all()


def list_on(session: ScopedSession, rule_ids: Collection[UUID], since: date) -> Sequence[tuple[UUID, int, date]]:
    """Rule, store's number and business day since a date at whose last decision the rule was on there."""
    key = (col(WeatherDecision.weather_rule_id), col(WeatherDecision.store_no), col(WeatherDecision.business_on))
    last = (
        select_columns(*key, col(WeatherDecision.state_on))
        .where(key[0].in_(list(rule_ids)), key[2] >= since)
        .ext(distinct_on(*key))
        .order_by(*key, col(WeatherDecision.id).desc())
        .subquery()
    )
    on = select_columns(last.c.weather_rule_id, last.c.store_no, last.c.business_on).where(last.c.state_on)
    return [(row[0], row[1], row[2]) for row in session.execute(on)]


def count_discount_yen(session: ScopedSession, rule_id: UUID, since: datetime) -> int:
    """What the coupons that a rule caused have cost since an instant, in yen; reversed redemptions cost nothing."""
    spent = (
        select(func.coalesce(func.sum(Redemption.discount_yen), 0))
        .join(IssuedCoupon, col(IssuedCoupon.id) == col(Redemption.issued_coupon_id))
        .where(
            col(IssuedCoupon.weather_rule_id) == rule_id,
            col(Redemption.redeemed_at) >= since,
            col(Redemption.reversed_at).is_(None),
        )
    )
    return int(session.exec(spent).one())


def list_firsts(session: ScopedSession, rule_ids: Collection[UUID]) -> Sequence[WeatherFirst]:
    """The firsts of a season that these rules have fired for."""
    return session.exec(select(WeatherFirst).where(col(WeatherFirst.weather_rule_id).in_(list(rule_ids)))).all()


def list_pollen(session: ScopedSession) -> Sequence[PollenSpell]:
    """The levels of pollen that the brand has set, in order of their first days."""
    return session.exec(select(PollenSpell).order_by(col(PollenSpell.from_on), col(PollenSpell.id))).all()


def get_decision(session: ScopedSession, decision_id: UUID) -> WeatherDecision:
    """A decision. Raises NotFound."""
    decision = session.exec(select(WeatherDecision).where(col(WeatherDecision.id) == decision_id)).one_or_none()
    if decision is None:
        raise NotFound
    return decision


def list_decisions(session: ScopedSession, ids: Collection[UUID]) -> Sequence[WeatherDecision]:
    """These decisions, in order of their stores' numbers."""
    wanted = select(WeatherDecision).where(col(WeatherDecision.id).in_(list(ids)))
    return session.exec(wanted.order_by(col(WeatherDecision.store_no))).all()


def list_waiting(session: ScopedSession, rule_id: UUID, business_on: date) -> Sequence[WeatherDecision]:
    """The last decision of a rule for each store on a business day, where that waits for approval."""
    last = (
        select(WeatherDecision)
        .where(col(WeatherDecision.weather_rule_id) == rule_id, col(WeatherDecision.business_on) == business_on)
        .ext(distinct_on(col(WeatherDecision.store_no)))
        .order_by(col(WeatherDecision.store_no), col(WeatherDecision.id).desc())
    )
    return [decision for decision in session.exec(last).all() if decision.reason == "not_approved"]


def find_corrected_at(session: Session, offices: Collection[str]) -> datetime | None:
    """When the newest of these offices' forecasts was first seen."""
    newest = (
        select(func.max(ForecastIssue.fetched_at))
        .join(ForecastOffice, col(ForecastOffice.issue_id) == col(ForecastIssue.id))
        .where(col(ForecastOffice.office).in_(sorted(offices)))
    )
    return session.exec(newest).one()


def list_unsent(session: ScopedSession, rule_id: UUID) -> Sequence[WeatherDecision]:
    """A rule's firings that no run has taken up yet, locked."""
    return session.exec(
        select(WeatherDecision)
        .where(
            col(WeatherDecision.weather_rule_id) == rule_id,
            col(WeatherDecision.fired),
            col(WeatherDecision.run_id).is_(None),
            col(WeatherDecision.outcome).is_(None),
        )
        .order_by(col(WeatherDecision.store_no))
        .with_for_update()
    ).all()


def list_unsent_before(session: ScopedSession, rule: WeatherRule) -> Sequence[UUID]:
    """The rules of higher priority than this one that have firings which no run has taken up yet, the highest first."""
    first = or_(
        col(WeatherRule.priority) > rule.priority,
        and_(col(WeatherRule.priority) == rule.priority, col(WeatherRule.id) < rule.id),
    )
    unsent = exists().where(
        col(WeatherDecision.brand_id) == col(WeatherRule.brand_id),
        col(WeatherDecision.weather_rule_id) == col(WeatherRule.id),
        col(WeatherDecision.fired),
        col(WeatherDecision.run_id).is_(None),
        col(WeatherDecision.outcome).is_(None),
    )
    wanted = select(WeatherRule.id).where(col(WeatherRule.status) == "live", first, unsent)
    return session.exec(wanted.order_by(col(WeatherRule.priority).desc(), col(WeatherRule.id))).all()
