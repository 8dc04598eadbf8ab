"""Auto-tags: saved, and what each of them does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, and_, any_, literal
from sqlmodel import col

from app.auto_tags import queries
from app.auto_tags.models import AutoTag
from app.auto_tags.triggers import read_trigger, refuse_circle
from app.customers.locks import lock_customers
from app.customers.models import Customer, Tag
from app.customers.tags.many import put_on, take_off
from app.segments.compiler import compile_where
from tenants.ids import encode_id
from tenants.problems import Invalid
from tenants.session import ScopedSession, as_seen_by

AT_ONCE: Final = 1000
"""Customers tagged in one transaction; each is locked until it ends."""


def create_auto_tag(session: ScopedSession, values: Mapping[str, Any], tag: Tag, now: datetime) -> AutoTag:
    """Save a rule that puts a tag on people. Raises Invalid, with the pointer, for one that cannot be followed."""
    auto_tag = AutoTag(**values, store_id=tag.store_id, store_no=tag.store_no, created_at=now)
    _check(session, auto_tag, tag, now)
    session.add(auto_tag)
    session.flush()
    return auto_tag


def change_auto_tag(session: ScopedSession, auto_tag: AutoTag, changes: Mapping[str, Any], now: datetime) -> AutoTag:
    """Change what it does from now on; those whom it tagged keep the tag until a rule takes it off. Raises Invalid."""
    for name, value in changes.items():
        setattr(auto_tag, name, value)
    if {"trigger", "expires_after_days"} & changes.keys():
        with session.no_autoflush:
            _check(session, auto_tag, session.get_one(Tag, (session.scope.brand_id, auto_tag.tag_id)), now)
    session.add(auto_tag)
    session.flush()
    return auto_tag


def archive_auto_tag(session: ScopedSession, auto_tag: AutoTag, now: datetime) -> None:
    """Take it out of use; those whom it tagged keep the tag."""
    auto_tag.archived_at = now
    session.add(auto_tag)
    session.flush()


def _check(session: ScopedSession, auto_tag: AutoTag, tag: Tag, now: datetime) -> None:
    read_trigger(session, auto_tag.trigger, tag, now, "/trigger")
    rule = auto_tag.trigger.get("rule")
    if rule is None:
        return
    if auto_tag.expires_after_days is not None:
        raise Invalid.at("/expires_after_days", "Is for events: a rule takes its tag off who no longer meets it.")
    refuse_circle(session, rule, tag, now, "/trigger/rule", within=auto_tag)


def source_of(auto_tag_id: UUID) -> str:
    """What stands on a tag that an auto-tag put on somebody."""
    return f"auto:{encode_id('atag', auto_tag_id)}"


@dataclass(frozen=True)
class Match:
    """Somebody did at an instant what an auto-tag waits for."""

    auto_tag_id: UUID
    customer_id: UUID
    occurred_at: datetime


def tag_matches(session: ScopedSession, matches: Sequence[Match], now: datetime) -> None:
    """Tag those who did what auto-tags wait for; again changes nothing. Needs a session that sees all stores."""
    lock_customers(session, {match.customer_id for match in matches})
    for auto_tag_id in sorted({match.auto_tag_id for match in matches}):
        found = queries.find_live(session, auto_tag_id)
        if found is None:
            continue
        auto_tag, tag = found
        ends: dict[UUID, datetime | None] = {}
        for match in sorted(matches, key=lambda one: one.occurred_at):
            if match.auto_tag_id != auto_tag_id:
                continue
            end = None
            if auto_tag.expires_after_days is not None:
                end = match.occurred_at + timedelta(days=auto_tag.expires_after_days)
            if end is None or end > now:  # what happened long ago and became known today has had its time
                ends[match.customer_id] = end
        put_on(session, tag, ends, source=source_of(auto_tag_id), now=now)


def tag_who_meet(session: ScopedSession, auto_tag_id: UUID, after: UUID, now: datetime) -> UUID | None:
    """Tag some of those whom an auto-tag's rule chooses: the id after which others follow, None when it was the last.

    Needs a session that sees all stores. Raises Invalid where the rule can no longer be followed.
    """
    found = _find_rule(session, auto_tag_id, now)
    if found is None:
        return None
    tag, where = found
    ids = queries.list_to_tag(session, tag, where, after, AT_ONCE)
    put_on(session, tag, dict.fromkeys(ids), source=source_of(auto_tag_id), now=now)
    return ids[-1] if len(ids) == AT_ONCE else None


def untag_who_do_not(session: ScopedSession, auto_tag_id: UUID, after: UUID, now: datetime) -> UUID | None:
    """Take the tag off some of those on whom this auto-tag put it and whom its rule no longer chooses; as above."""
    found = _find_rule(session, auto_tag_id, now)
    if found is None:
        return None
    tag, where = found
    source = source_of(auto_tag_id)
    ids = queries.list_to_untag(session, tag, source, where, after, AT_ONCE)
    take_off(session, tag, ids, source=source, now=now)
    return ids[-1] if len(ids) == AT_ONCE else None


def note_run(session: ScopedSession, auto_tag_id: UUID, now: datetime) -> None:
    """Keep when a rule was last followed."""
    found = queries.find_live(session, auto_tag_id)
    if found is not None:
        found[0].ran_at = now


def _find_rule(session: ScopedSession, auto_tag_id: UUID, now: datetime) -> tuple[Tag, ColumnElement[bool]] | None:
    """A live auto-tag's tag, and the condition that its rule makes now; a store's asks with the store's eyes."""
    found = queries.find_live(session, auto_tag_id)
    if found is None or "rule" not in found[0].trigger:
        return None
    auto_tag, tag = found
    with as_seen_by(session, auto_tag.store_no) as inside:
        where = compile_where(inside, auto_tag.trigger["rule"], now, at="/trigger/rule")
    refuse_circle(session, auto_tag.trigger["rule"], tag, now, "/trigger/rule", within=auto_tag)
    if auto_tag.store_no is None:
        return tag, where
    return tag, and_(where, literal(auto_tag.store_no, Integer) == any_(col(Customer.store_nos)))
