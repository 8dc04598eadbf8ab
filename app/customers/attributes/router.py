"""Declared attributes over HTTP."""

from fastapi import APIRouter

from app.auth import Now, ScopedSession, allow
from app.customers.attributes import queries, service
from app.customers.attributes.models import CustomerAttribute
from app.customers.attributes.schemas import CustomerAttributeCreate, CustomerAttributeRead, CustomerAttributeUpdate
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerAttributeId, Page

router = APIRouter(prefix="/v1/customer-attributes", tags=["customers"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("customers:read")])
def list_customer_attributes(session: ScopedSession, paging: PagingParams) -> Page[CustomerAttributeRead]:
    """The fields of the brand's own that customers have, with their types."""
    attributes = queries.list_attributes()
    return make_page(session, attributes, CustomerAttribute.id, paging, CustomerAttributeRead.model_validate)


@router.post("", status_code=201, dependencies=[allow("brand:write")])
def create_customer_attribute(body: CustomerAttributeCreate, session: ScopedSession, now: Now) -> CustomerAttributeRead:
    """Declare an attribute: from now on its values must be of this type.

    Names that nobody declared stay allowed, with any value. Where customers have values of this name that do not fit,
    the answer is 409 with how many they are.
    """
    return CustomerAttributeRead.model_validate(service.declare(session, body.model_dump(), now))


@router.get("/{customer_attribute_id}", dependencies=[allow("customers:read")])
def get_customer_attribute(customer_attribute_id: CustomerAttributeId, session: ScopedSession) -> CustomerAttributeRead:
    """One declared attribute."""
    return CustomerAttributeRead.model_validate(queries.get_attribute(session, customer_attribute_id))


@router.patch("/{customer_attribute_id}", dependencies=[allow("brand:write")])
def change_customer_attribute(
    customer_attribute_id: CustomerAttributeId,
    body: CustomerAttributeUpdate,
    session: ScopedSession,
    if_match: Precondition,
) -> CustomerAttributeRead:
    """Change the label, the choices or the type; 409, with how many they are, where customers' values would not fit."""
    attribute = service.lock(session, customer_attribute_id)
    if_match.check(CustomerAttributeRead.model_validate(attribute))
    changed = service.change(session, attribute, body.model_dump(exclude_unset=True))
    return CustomerAttributeRead.model_validate(changed)


@router.delete("/{customer_attribute_id}", status_code=204, dependencies=[allow("brand:write")])
def archive_customer_attribute(customer_attribute_id: CustomerAttributeId, session: ScopedSession, now: Now) -> None:
    """Withdraw a declaration. The values that customers have stay, and may be of any type from now on."""
    service.archive(session, service.lock(session, customer_attribute_id), now)
