"""Reads of auto-tags."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, any_, literal, not_
from sqlmodel import col, select

from app.auto_tags.models import AutoTag
from app.customers.models import Customer, CustomerTag, Tag
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_auto_tags() -> Any:
    """The auto-tags of the scope that are not archived, to be paged."""
    return select(AutoTag).where(col(AutoTag.archived_at).is_(None))


def get_auto_tag(session: ScopedSession, auto_tag_id: UUID) -> AutoTag:
    """An auto-tag that is not archived. Raises NotFound."""
    auto_tag: AutoTag | None = session.exec(list_auto_tags().where(col(AutoTag.id) == auto_tag_id)).one_or_none()
    if auto_tag is None:
        raise NotFound
    return auto_tag


def find_live(session: ScopedSession, auto_tag_id: UUID) -> tuple[AutoTag, Tag] | None:
    """An auto-tag that is live, with its tag; None where it is not, or the tag is out of use."""
    live = _list_live().where(col(AutoTag.id) == auto_tag_id)
    found: tuple[AutoTag, Tag] | None = session.exec(live).one_or_none()
    return found


def list_live_by_event(session: ScopedSession) -> Sequence[tuple[AutoTag, Tag]]:
    """Auto-tags that wait for events, with their tags."""
    found: Sequence[tuple[AutoTag, Tag]] = session.exec(_list_live().where(_waits_for("event"))).all()
    return found


def list_live_rule_ids(session: ScopedSession) -> Sequence[UUID]:
    """Ids of the auto-tags that a rule makes tag."""
    return [one.id for one, _ in session.exec(_list_live().where(_waits_for("rule"))).all()]


def _list_live() -> Any:
    in_use = (col(AutoTag.status) == "live", col(AutoTag.archived_at).is_(None), col(Tag.archived_at).is_(None))
    of_tag = (col(Tag.brand_id) == col(AutoTag.brand_id)) & (col(Tag.id) == col(AutoTag.tag_id))
    return select(AutoTag, Tag).join(Tag, of_tag).where(*in_use).order_by(col(AutoTag.id))


def list_rule_triggers(session: ScopedSession) -> Sequence[AutoTag]:
    """All auto-tags with a rule that are not archived, also those that are paused."""
    found: list[AutoTag] = list(session.exec(list_auto_tags().where(_waits_for("rule"))))
    return found


def _waits_for(kind: str) -> ColumnElement[bool]:
    """Whether a trigger is an event or a rule."""
    has_kind: ColumnElement[bool] = col(AutoTag.trigger).op("?", is_comparison=True)(kind)
    return has_kind


def map_tag_nos(session: ScopedSession, tag_ids: Collection[UUID]) -> dict[UUID, int]:
    """Numbers of tags by id."""
    return dict(session.exec(select(Tag.id, Tag.no).where(col(Tag.id).in_(tag_ids))).all())


def list_to_tag(session: ScopedSession, tag: Tag, where: ColumnElement[bool], after: UUID, most: int) -> Sequence[UUID]:
    """Up to `most` customers beyond this id who meet a condition and do not carry a tag."""
    carries = literal(tag.no, Integer) == any_(col(Customer.tag_nos))
    rows = select(Customer.id).where(where, not_(carries), col(Customer.id) > after)
    return session.exec(rows.order_by(col(Customer.id)).limit(most)).all()


def list_to_untag(
    session: ScopedSession, tag: Tag, source: str, where: ColumnElement[bool], after: UUID, most: int
) -> Sequence[UUID]:
    """Up to `most` customers beyond this id on whom a source put a tag and who no longer meet a condition."""
    carries = literal(tag.no, Integer) == any_(col(Customer.tag_nos))
    hers = (col(CustomerTag.brand_id) == col(Customer.brand_id)) & (col(CustomerTag.customer_id) == col(Customer.id))
    by_source = (col(CustomerTag.tag_id) == tag.id, col(CustomerTag.source) == source)
    rows = select(Customer.id).join(CustomerTag, hers).where(carries, *by_source, not_(where), col(Customer.id) > after)
    return session.exec(rows.order_by(col(Customer.id)).limit(most)).all()
