"""The verbs of the service's operator, as its API and its commands use them; each is in the brand's audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine

from app.audit.service import Actor, Deed, Thing, follow, note
from app.jobs.queue import defer
from app.keys import digest_of, new_secret
from app.messaging import service as messaging
from app.weather import queries as weather
from app.weather.tasks import send_fired
from tenants.brands import service as brands
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.clients.models import ApiClient
from tenants.clients.service import create_client
from tenants.operators import queries, service
from tenants.operators.models import DeletionReceipt, SupportGrant
from tenants.permissions import PERMISSIONS
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.staff.models import Staff
from tenants.staff.service import invite


class Counted(NamedTuple):
    """A brand with how many stores and LINE accounts it has."""

    brand: Brand
    stores: int
    line_accounts: int


@dataclass(frozen=True)
class Made:
    """A new brand's first client and first admin, with the secrets that are shown once."""

    brand: Brand
    client: ApiClient
    client_secret: str
    admin: Staff | None
    invitation: str | None


def create_brand(
    session: ScopedSession,
    keyring: Keyring,
    actor: Actor,
    *,
    name: str,
    timezone: str,
    client_name: str,
    admin: tuple[str, str] | None,
    now: datetime,
) -> Made:
    """A new brand under the id of the session's scope, its first client with every permission, and if `admin` (name,
    e-mail) is given an invitation for her."""
    follow(session)
    brand = brands.create_brand(session, keyring, name=name, timezone=timezone)
    secret = new_secret("client")
    client = create_client(session, name=client_name, permissions=sorted(PERMISSIONS), digest=digest_of(secret))
    staff = invitation = None
    if admin is not None:
        invitation = new_secret("invitation")
        staff = invite(
            session,
            name=admin[0],
            email=admin[1],
            role="hq_admin",
            stores=None,
            digest=digest_of(invitation),
            now=now,
        )
    note(session, actor, Deed("create_brand", Thing("brand", brand.id)), now=now)
    return Made(brand, client, secret, staff, invitation)


def suspend(session: ScopedSession, actor: Actor, *, reason: str, now: datetime) -> Brand:
    """Let a brand send nothing. Raises NotFound, Conflict."""
    follow(session)
    brand = brands.lock_brand(session)
    brands.suspend_brand(session, brand, reason=reason, now=now)
    note(session, actor, Deed("suspend_brand", Thing("brand", brand.id)), now=now)
    return brand


def resume(session: ScopedSession, actor: Actor, *, now: datetime) -> Brand:
    """Let a brand send again: runs that wait go on if they are still valid. Raises NotFound, Conflict."""
    follow(session)
    brand = brands.lock_brand(session)
    brands.resume_brand(session, brand)
    messaging.resume_all(session)
    for rule in weather.list_live_rules(session):  # what fired in the moment before the suspension, and no run took up
        defer(session, send_fired, once_key=f"weather-send:{rule.id}", weather_rule_id=rule.id)
    note(session, actor, Deed("resume_brand", Thing("brand", brand.id)), now=now)
    return brand


def begin_deletion(session: ScopedSession, actor: Actor, *, confirm: str, now: datetime) -> DeletionReceipt:
    """Mark a suspended brand for deletion: its credentials are dead at once. Raises NotFound, Conflict, Invalid."""
    brand = brands.lock_brand(session)
    receipt = service.begin_deletion(session, brand, confirm=confirm, operator=actor.name, now=now)
    note(session, actor, Deed("delete_brand", Thing("brand", brand.id)), now=now)
    return receipt


def grant_support(
    session: ScopedSession, actor: Actor, *, reason: str, permissions: Sequence[str], minutes: int, now: datetime
) -> tuple[SupportGrant, str]:
    """Let the operator read in a brand for a while; the grant and its token. Raises NotFound, Conflict."""
    follow(session)
    token = new_secret("support")
    grant = service.grant_support(
        session,
        brands.lock_brand(session),
        operator=actor.name,
        reason=reason,
        permissions=permissions,
        life=timedelta(minutes=minutes),
        digest=digest_of(token),
        now=now,
    )
    note(session, actor, Deed("create_support_grant", Thing("grant", grant.id)), now=now)
    return grant, token


def end_grant(session: ScopedSession, actor: Actor, grant: SupportGrant, *, now: datetime) -> None:
    """End a support grant at once, by the operator herself."""
    follow(session)
    service.end_grant(session, grant, now)
    note(session, actor, Deed("end_brand_support_grant", Thing("grant", grant.id)), now=now)


def note_export(session: ScopedSession, actor: Actor, *, now: datetime) -> None:
    """Write down in the brand's audit log that everything of it was exported."""
    note(session, actor, Deed("export_brand", Thing("brand", session.scope.brand_id)), now=now, kind="read")


def count(session: ScopedSession, brand: Brand) -> Counted:
    """A brand with what may be counted of it."""
    return Counted(brand, *queries.count_places(session))


def describe(counted: Counted) -> dict[str, Any]:
    """The columns of a brand that its operator sees, by name."""
    return counted.brand.model_dump(exclude={"wrapped_key"}) | {
        "stores": counted.stores,
        "line_accounts": counted.line_accounts,
    }


def list_counted(engine: Engine, brand_ids: Sequence[UUID]) -> list[Counted]:
    """These brands, each read in a scope of its own; one that went meanwhile is left out."""
    found = []
    for brand_id in brand_ids:
        with open_session(engine, Scope(brand_id)) as session:
            try:
                found.append(count(session, get_brand(session, session.scope.brand_id)))
            except NotFound:
                continue
    return found
