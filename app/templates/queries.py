"""Reads of templates and of how stores word their blocks."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.templates.models import MessageTemplate, TemplateBlock
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_templates(use: str | None = None) -> SelectOfScalar[MessageTemplate]:
    """The templates of the scope that are not archived, of one use or any, to be paged."""
    wanted = select(MessageTemplate).where(col(MessageTemplate.archived_at).is_(None))
    return wanted if use is None else wanted.where(col(MessageTemplate.use) == use)


def get_template(session: ScopedSession, template_id: UUID) -> MessageTemplate:
    """A template that is not archived. Raises NotFound."""
    template = session.exec(list_templates().where(col(MessageTemplate.id) == template_id)).one_or_none()
    if template is None:
        raise NotFound
    return template


def lock_template(session: ScopedSession, template_id: UUID) -> MessageTemplate:
    """The same, for changing it. Raises NotFound."""
    wanted = list_templates().where(col(MessageTemplate.id) == template_id).with_for_update()
    template = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if template is None:
        raise NotFound
    return template


def find_template(session: ScopedSession, template_id: UUID) -> MessageTemplate | None:
    """A template, archived or not."""
    return session.exec(select(MessageTemplate).where(col(MessageTemplate.id) == template_id)).one_or_none()


def list_blocks(
    session: ScopedSession, template_id: UUID, store_nos: Collection[int] | None = None
) -> list[TemplateBlock]:
    """What stores have worded of a template, of these stores or of all."""
    wanted = select(TemplateBlock).where(col(TemplateBlock.template_id) == template_id)
    if store_nos is not None:
        wanted = wanted.where(col(TemplateBlock.store_no).in_(store_nos))
    return list(session.exec(wanted.order_by(col(TemplateBlock.store_no), col(TemplateBlock.name))).all())
