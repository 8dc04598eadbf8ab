"""Reads of notes. The wall shows a store head office's and its own."""

from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.customers.notes.models import CustomerNote
from app.customers.queries import get_customer
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_notes(customer_id: UUID) -> Any:
    """The notes about a customer that the scope sees, to be paged."""
    return select(CustomerNote).where(col(CustomerNote.customer_id) == customer_id)


def get_note(session: ScopedSession, note_id: UUID) -> CustomerNote:
    """A note about somebody whom the scope sees. Raises NotFound."""
    note = session.exec(select(CustomerNote).where(col(CustomerNote.id) == note_id)).one_or_none()
    if note is None:
        raise NotFound
    get_customer(session, note.customer_id)
    return note


def lock_note(session: ScopedSession, note_id: UUID) -> CustomerNote:
    """The same to be changed, as it stands now. Raises NotFound."""
    note = get_note(session, note_id)
    of_id = select(CustomerNote).where(col(CustomerNote.id) == note_id)
    locked = session.exec(of_id.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if locked is None:
        raise NotFound
    return note
