"""Choosing customers by a saved segment. Segments stand above this package, so they register themselves here."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement

from tenants.problems import Invalid
from tenants.session import ScopedSession

CustomerFilter = Callable[[ScopedSession, UUID, datetime], ColumnElement[bool]]
RuleFilter = Callable[[ScopedSession, object, datetime], ColumnElement[bool]]
_registered: list[CustomerFilter] = []
_registered_rules: list[RuleFilter] = []


def register(customer_filter: CustomerFilter) -> None:
    """Answer `chosen_by` with this from now on."""
    _registered[:] = [customer_filter]


def register_rules(rule_filter: RuleFilter) -> None:
    """Answer `chosen_by_rule` with this from now on."""
    _registered_rules[:] = [rule_filter]


def chosen_by(session: ScopedSession, segment_id: UUID, now: datetime) -> ColumnElement[bool]:
    """The condition on `Customer` that a segment makes at this moment. Raises NotFound."""
    if not _registered:
        raise Invalid.at("/query/segment_id", "This process knows no segments.")
    return _registered[0](session, segment_id, now)


def chosen_by_rule(session: ScopedSession, rule: object, now: datetime) -> ColumnElement[bool]:
    """The condition on `Customer` that a rule's JSON makes at this moment. Raises Invalid, with the pointer."""
    if not _registered_rules:
        raise Invalid.at("/rule", "This process knows no rules.")
    return _registered_rules[0](session, rule, now)
