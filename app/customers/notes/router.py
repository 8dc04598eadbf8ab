"""Notes over HTTP."""

from fastapi import APIRouter

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers.notes import queries, service
from app.customers.notes.models import CustomerNote
from app.customers.notes.problems import NoteOfHeadOffice
from app.customers.notes.schemas import NoteCreate, NoteRead, NoteUpdate
from app.customers.queries import get_customer
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerId, CustomerNoteId, Page
from tenants.session import ScopedSession as Session

of_customer = APIRouter(prefix="/v1/customers/{customer_id}/notes", tags=["customers"], route_class=ApiRoute)
router = APIRouter(prefix="/v1/customer-notes", tags=["customers"], route_class=ApiRoute)
routers = [of_customer, router]


@of_customer.get("", dependencies=[allow("customers:read")])
def list_customer_notes(customer_id: CustomerId, session: ScopedSession, paging: PagingParams) -> Page[NoteRead]:
    """Notes about a customer, newest first; a store sees head office's and its own."""
    customer = get_customer(session, customer_id)
    return make_page(session, queries.list_notes(customer.id), CustomerNote.id, paging, NoteRead.model_validate)


@of_customer.post("", status_code=201, dependencies=[allow("customers:write")])
def create_customer_note(
    customer_id: CustomerId, body: NoteCreate, *, session: BrandWide, caller: Caller, now: Now
) -> NoteRead:
    """Write a note about a customer. Other stores do not see a store's."""
    get_customer(session, customer_id, caller.scope)
    store = caller.owner(session, body.store_id)
    note = service.write_note(session, customer_id, body.text, store=store, author=caller.name, now=now)
    return NoteRead.model_validate(note)


@router.get("/{note_id}", dependencies=[allow("customers:read")])
def get_customer_note(note_id: CustomerNoteId, session: ScopedSession) -> NoteRead:
    """One note."""
    return NoteRead.model_validate(queries.get_note(session, note_id))


@router.patch("/{note_id}", dependencies=[allow("customers:write")])
def change_customer_note(
    note_id: CustomerNoteId, body: NoteUpdate, session: ScopedSession, caller: Caller, if_match: Precondition, now: Now
) -> NoteRead:
    """Change what a note says. A store changes its own; head office's it only reads."""
    note = _own(session, caller, note_id)
    if_match.check(NoteRead.model_validate(note))
    return NoteRead.model_validate(service.change_note(session, note, body.text, now=now))


@router.delete("/{note_id}", status_code=204, dependencies=[allow("customers:write")])
def delete_customer_note(note_id: CustomerNoteId, session: ScopedSession, caller: Caller) -> None:
    """Delete a note, for good."""
    service.delete_note(session, _own(session, caller, note_id))


def _own(session: Session, caller: CallerInfo, note_id: CustomerNoteId) -> CustomerNote:
    """A note that the caller may change, locked. Raises NotFound, or NoteOfHeadOffice."""
    if not caller.scope.sees_store(queries.get_note(session, note_id).store_no):
        raise NoteOfHeadOffice
    return queries.lock_note(session, note_id)
