"""Writing notes about customers, changing and deleting them."""

from datetime import datetime
from uuid import UUID

from app.customers.locks import lock_customer
from app.customers.notes.models import CustomerNote
from tenants.session import ScopedSession
from tenants.stores.models import Store


def write_note(
    session: ScopedSession, customer_id: UUID, text: str, *, store: Store | None, author: str, now: datetime
) -> CustomerNote:
    """A new note of a store, or of head office. Needs a session that sees all stores. Raises NotFound."""
    # Her row is held, so that no note is written while she is being erased.
    customer = lock_customer(session, customer_id)
    note = CustomerNote(customer_id=customer.id, text=text, author=author, created_at=now, updated_at=now)
    if store is not None:
        note.store_id, note.store_no = store.id, store.no
    session.add(note)
    session.flush()
    return note


def change_note(session: ScopedSession, note: CustomerNote, text: str | None, *, now: datetime) -> CustomerNote:
    """Change what a locked note says; who wrote it first stays its author."""
    if text is not None and text != note.text:
        note.text, note.updated_at = text, now
        session.flush()
    return note


def delete_note(session: ScopedSession, note: CustomerNote) -> None:
    """Delete a note, for good."""
    session.delete(note)
    session.flush()
