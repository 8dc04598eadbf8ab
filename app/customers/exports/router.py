"""Exports over HTTP."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from app.auth import Caller, Now, ScopedSession, allow
from app.customers.exports import service
from app.customers.exports.answer import make_answer
from app.customers.exports.person import write_person
from app.customers.exports.schemas import CustomersExport, PersonExport
from app.customers.queries import get_customer
from app.operations.schemas import OperationRead
from app.operations.service import show
from app.routes import ApiRoute
from app.schemas import CustomerId
from tenants.ids import encode_id
from tenants.problems import PermissionMissing
from tenants.session import open_session

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=ApiRoute)
routers = [router]


def require_whole_brand(caller: Caller) -> None:
    """Raises PermissionMissing for who sees some stores only: an export tells of all of them."""
    if caller.is_stores:
        raise PermissionMissing("customers:export")


EXPORT: Any = [allow("customers:export"), Depends(require_whole_brand)]


@router.post("/export", status_code=202, dependencies=EXPORT)
def export_customers(body: CustomersExport, session: ScopedSession, caller: Caller, now: Now) -> OperationRead:
    """Have a file of customers written: everybody, or whom a segment or a rule chooses at this moment.

    The operation tells how far it is and, once it is done, where the file is fetched. The first column is the id. What
    an import takes is headed as the import knows it, so the file comes in again without a change.
    """
    return show(session, service.begin_export(session, body, started_by=caller.name, now=now))


@router.get("/{customer_id}/export", response_model=PersonExport, dependencies=EXPORT)
def export_customer(customer_id: CustomerId, request: Request, caller: Caller) -> Response:
    """All that is held of one person, as one document: what she may ask for.

    Two exports of one state are the same bytes. It comes as a file, a row a line; the audit log tells who read it.
    """
    isolated = request.app.state.engine.execution_options(isolation_level="REPEATABLE READ")
    with open_session(isolated, caller.scope) as session:
        found = get_customer(session, customer_id).id
        return make_answer(write_person(session, found), f"{encode_id('cus', found)}.json")
