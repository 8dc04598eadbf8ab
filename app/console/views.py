"""What the pages show, read in one go."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import col, select

from app.console.texts import ROLE_MEANINGS, ROLE_NAMES
from app.keys import digest_of, is_well_formed
from app.sessions import SignedIn
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.ids import encode_id
from tenants.scope import Scope
from tenants.session import open_session
from tenants.staff import queries, sessions
from tenants.staff.models import Staff
from tenants.staff.problems import InvitationOver
from tenants.staff.service import status_of


@dataclass(frozen=True)
class OtherBrand:
    """A further brand that the same person is staff of."""

    id: str
    name: str
    role: str


@dataclass(frozen=True)
class Home:
    """Who one is here."""

    name: str
    email: str
    role: str
    role_meaning: str
    brand: str
    all_stores: bool
    stores: list[str]
    browsers: int
    """With how many she is signed in here, this one included."""
    other_brands: list[OtherBrand]


@dataclass(frozen=True)
class Invitation:
    """To what somebody is invited."""

    name: str
    email: str
    role: str
    role_meaning: str
    brand: str


def read_home(engine: Engine, signed_in: SignedIn, now: datetime) -> Home:
    """The first page of who is signed in."""
    with open_session(engine, Scope(signed_in.caller.scope.brand_id)) as session:
        staff = queries.get_staff(session, signed_in.caller.id)
        brand = get_brand(session, session.scope.brand_id)
        stores = list(queries.list_store_names(session, staff))
        browsers = queries.count_sessions(session, staff.id, now, now - sessions.IDLE)
    return Home(
        name=staff.name,
        email=staff.email,
        role=ROLE_NAMES.get(staff.role, staff.role),
        role_meaning=ROLE_MEANINGS.get(staff.role, ""),
        brand=brand.name,
        all_stores=staff.all_stores,
        stores=stores,
        browsers=browsers,
        other_brands=_list_others(engine, staff, brand.id),
    )


def _list_others(engine: Engine, staff: Staff, brand_id: UUID) -> list[OtherBrand]:
    if staff.issuer is None or staff.subject is None:
        return []
    memberships = queries.list_memberships(engine, staff.issuer, staff.subject)
    return [
        OtherBrand(encode_id("brand", scope.brand_id), name, ROLE_NAMES.get(one.role, one.role))
        for scope, one, name in memberships
        if scope.brand_id != brand_id
    ]


def read_invitation(engine: Engine, secret: str, now: datetime) -> Invitation:
    """What an invitation is to. Raises InvitationOver."""
    found = queries.find_invited(engine, digest_of(secret), now) if is_well_formed(secret) else None
    if found is None:
        raise InvitationOver
    scope, staff_id = found
    with open_session(engine, scope) as session:
        staff = queries.get_staff(session, staff_id)
        if status_of(staff) != "invited":
            raise InvitationOver
        brand = session.exec(select(Brand.name).where(col(Brand.id) == scope.brand_id)).one()
    return Invitation(
        name=staff.name,
        email=staff.email,
        role=ROLE_NAMES.get(staff.role, staff.role),
        role_meaning=ROLE_MEANINGS.get(staff.role, ""),
        brand=brand,
    )
