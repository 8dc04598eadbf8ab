"""Every kind of credential that the application knows, at full strength and in each way too weak."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import get_args
from uuid import UUID

from app.callers import CallerKind
from app.keys import digest_of, new_secret
from app.sessions import CSRF_HEADER, csrf_token
from tenants.api_keys.models import ApiKey, ApiKeyStore, CredentialHash
from tenants.clients.models import AccessToken, ApiClient
from tenants.operators.models import SupportGrant
from tenants.permissions import (
    GRANTABLE_TO_PARTNERS,
    GRANTABLE_TO_STORES,
    GRANTABLE_TO_SUPPORT,
    PERMISSIONS,
    ROLES,
    STORE_ROLES,
)
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.staff.models import Staff, StaffSession, StaffStore
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests.walls.world import Place, World

LIVE, REVOKED, EXPIRED = "live", "revoked", "expired"
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """What a credential is to be: of the whole brand or of a store, allowed what, and live or ended."""

    session: ScopedSession
    keyring: Keyring
    store: Store | None
    permissions: frozenset[str]
    state: str

    @property
    def revoked_at(self) -> datetime | None:
        """When it was ended."""
        return utc_now() if self.state == REVOKED else None

    @property
    def expires_at(self) -> datetime:
        """When it ends by itself."""
        return utc_now() + timedelta(hours=-1 if self.state == EXPIRED else 1)


@dataclass(frozen=True)
class Kind:
    """One kind of credential; `most` is what it may be allowed at all, over the brand and over stores."""

    mint: Callable[[Wanted], Headers]
    over_brand: frozenset[str] | None
    over_stores: frozenset[str] | None
    states: tuple[str, ...] = (REVOKED, EXPIRED)


def _bearer(secret: str) -> Headers:
    return {"authorization": f"Bearer {secret}"}


def _add_hash(wanted: Wanted, kind: str, secret: str, credential_id: UUID) -> CredentialHash:
    row = CredentialHash(digest=digest_of(secret), kind=kind, credential_id=credential_id)
    wanted.session.add(row)
    wanted.session.flush()
    return row


def _mint_token(wanted: Wanted) -> Headers:
    allowed = sorted(wanted.permissions)
    client = ApiClient(name="本部", secret_digest=b"", permissions=allowed)
    wanted.session.add(client)
    wanted.session.flush()
    token = AccessToken(
        api_client_id=client.id, permissions=allowed, expires_at=wanted.expires_at, revoked_at=wanted.revoked_at
    )
    wanted.session.add(token)
    secret = new_secret("token")
    _add_hash(wanted, "access_token", secret, token.id)
    return _bearer(secret)


def _mint_key(kind: str) -> Callable[[Wanted], Headers]:
    def mint(wanted: Wanted) -> Headers:
        secret = new_secret(kind)
        key = ApiKey(
            kind=kind,
            name="鍵",
            prefix=secret[:16],
            permissions=sorted(wanted.permissions),
            all_stores=wanted.store is None,
            expires_at=wanted.expires_at,
            revoked_at=wanted.revoked_at,
        )
        wanted.session.add(key)
        wanted.session.flush()
        if wanted.store:
            wanted.session.add(ApiKeyStore(api_key_id=key.id, store_id=wanted.store.id, store_no=wanted.store.no))
        _add_hash(wanted, f"{kind}_key", secret, key.id)
        return _bearer(secret)

    return mint


def _mint_staff(wanted: Wanted) -> Headers:
    roles = STORE_ROLES if wanted.store else ROLES.keys() - STORE_ROLES
    role = next(name for name in sorted(roles) if ROLES[name] == wanted.permissions)
    now, ended = utc_now(), wanted.state == REVOKED
    person = Staff(
        name="担当", email=f"{new_secret('x')[-20:].lower()}@example.jp", role=role, all_stores=not wanted.store
    )
    wanted.session.add(person)
    wanted.session.flush()
    if wanted.store:
        wanted.session.add(StaffStore(staff_id=person.id, store_id=wanted.store.id, store_no=wanted.store.no))
    row = StaffSession(
        staff_id=person.id,
        rotated_at=now,
        last_seen_at=now,
        expires_at=wanted.expires_at,
        ended_at=now if ended else None,
    )
    wanted.session.add(row)
    secret = new_secret("session")
    row.secret_id = _add_hash(wanted, "staff_session", secret, row.id).id
    wanted.session.add(row)
    wanted.session.flush()
    return {"cookie": f"noren={secret}", CSRF_HEADER.lower(): csrf_token(wanted.keyring, row.id)}


def _mint_grant(wanted: Wanted) -> Headers:
    grant = SupportGrant(
        operator="運用",
        reason="試験",
        permissions=sorted(wanted.permissions),
        expires_at=wanted.expires_at,
        revoked_at=wanted.revoked_at,
    )
    wanted.session.add(grant)
    wanted.session.flush()
    secret = new_secret("support")
    _add_hash(wanted, "support_grant", secret, grant.id)
    return _bearer(secret)


EVERYTHING = frozenset(PERMISSIONS)
KINDS: dict[str, Kind] = {
    "api_client": Kind(_mint_token, EVERYTHING, None),
    "store_key": Kind(_mint_key("store"), None, GRANTABLE_TO_STORES),
    "partner_key": Kind(_mint_key("partner"), GRANTABLE_TO_PARTNERS, GRANTABLE_TO_PARTNERS),
    "staff": Kind(_mint_staff, ROLES["hq_admin"], ROLES["store_manager"]),
    "support": Kind(_mint_grant, GRANTABLE_TO_SUPPORT, None),
}
"""By the name that `GET /v1/me` gives them."""


def list_uncovered(openapi: Mapping[str, object]) -> list[str]:
    """Kinds of credentials that the application or its document knows and this module does not."""
    schemas = openapi["components"]["schemas"]  # type: ignore[index]
    published = set(schemas["Me"]["properties"]["kind"]["enum"])
    return sorted((published | set(get_args(CallerKind))) - set(KINDS))


@dataclass(frozen=True)
class Seat:
    """Somebody who calls: by which credential, whose, and what she may do."""

    name: str
    place: Place
    headers: Headers
    permissions: frozenset[str]

    @property
    def is_stores(self) -> bool:
        """Whether she speaks for store A only."""
        return self.place.store is not None

    def may(self, permission: str | None) -> bool:
        """Whether an operation is hers to call."""
        return permission is None or permission in self.permissions


@dataclass(frozen=True)
class Seats:
    """Who calls an operation."""

    strong: list[Seat]
    """With all that their kind may be allowed; some kinds still lack the operation's permission."""
    ended: list[Seat]
    """Nobody's: revoked, expired, unknown, malformed."""
    without: list[Seat]
    """Allowed everything but the operation."""


LEADING = ("api_client", "store_key")
"""One kind for each scope, the brand's and a store's: they go before those who look at the same from elsewhere."""


def _mint(kind: Kind, place: Place, permissions: frozenset[str], state: str = LIVE) -> Headers:
    with place.open() as session:
        return kind.mint(Wanted(session, place.keyring, place.store, permissions, state))


class Credentials:
    """The credentials of one world, each made once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.strong: list[Seat] = []
        self.ended: list[Seat] = []
        for name, kind in KINDS.items():
            for place, most in ((world.office, kind.over_brand), (world.a, kind.over_stores)):
                if most is not None:
                    self.strong.append(Seat(f"{name} of {place.name}", place, _mint(kind, place, most), most))
                    self.ended += [
                        Seat(f"{name} of {place.name}, {state}", place, _mint(kind, place, most, state), most)
                        for state in kind.states
                    ]
        secret = new_secret("store")
        anonymous: dict[str, Headers] = {
            "no credential": {},
            "an unknown key": _bearer(secret),
            "a mistyped key": _bearer(secret[:-1] + ("0" if secret[-1] != "0" else "1")),
            "garbage": _bearer("\xff" * 60),
            "another scheme": {"authorization": "Basic " + "QTpC" * 10},
            "an unknown session": {"cookie": f"noren={new_secret('session')}"},
            "an operator's key": _bearer(new_secret("operator")),
        }
        self.ended += [Seat(name, world.office, headers, frozenset()) for name, headers in anonymous.items()]

    def full(self, kind: str, place: Place) -> Seat:
        """A credential of any place with all that its kind may be allowed."""
        most = KINDS[kind].over_stores if place.store else KINDS[kind].over_brand
        assert most is not None
        return Seat(f"{kind} of {place.name}", place, _mint(KINDS[kind], place, most), most)

    def all_of(self, permission: str | None) -> Seats:
        """Everyone who might call an operation of this permission."""
        return Seats(self.strong, self.ended, self.without(permission) if permission else [])

    def leading(self, permission: str | None) -> Seats:
        """One kind for each scope, and everyone who is nobody."""
        without = self.without(permission) if permission else []
        return Seats([one for one in self.strong if _leads(one)], self.ended, [one for one in without if _leads(one)])

    def scopes(self, permission: str | None) -> Seats:
        """One kind for each scope, and nobody else."""
        return Seats([one for one in self.strong if _leads(one) and one.may(permission)], [], [])

    @cache  # noqa: B019 - one world lives as long as the process
    def doer(self, place: Place) -> Seat:
        """Who in a place may do all that can be done there."""
        return self.full("store_key" if place.store else "api_client", place)

    @cache  # noqa: B019 - one world lives as long as the process
    def without(self, permission: str) -> list[Seat]:
        """A credential of each kind that is allowed all but one thing; for staff, the role that is nearest."""
        found = []
        for name, kind in KINDS.items():
            for place, most in ((self.world.office, kind.over_brand), (self.world.a, kind.over_stores)):
                left = None if most is None else _all_but(name, place, most, permission)
                if left is not None:
                    seat = f"{name} of {place.name} without {permission}"
                    found.append(Seat(seat, place, _mint(kind, place, left), left))
        return found


def _leads(seat: Seat) -> bool:
    return seat.name.startswith(LEADING)


def _all_but(kind: str, place: Place, most: frozenset[str], permission: str) -> frozenset[str] | None:
    if kind != "staff":
        return most - {permission}
    roles = STORE_ROLES if place.store else ROLES.keys() - STORE_ROLES
    lacking = [ROLES[name] for name in sorted(roles) if permission not in ROLES[name]]
    return max(lacking, key=len) if lacking else None
