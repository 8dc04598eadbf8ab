"""What the provider knows: applications, people, codes and tokens that it has given out, and its keys."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox.oidc.signing import SIGNING_ALGORITHMS, Keys

CODE_SECONDS = 60
ACCESS_TOKEN_SECONDS = 3600
CLIENT_FIELDS = ("client_secret", "name", "redirect_uris", "post_logout_redirect_uris", "id_token_alg")
PERSON_FIELDS = ("name", "email_verified", "sub")


class Unregistrable(ValueError):
    """An application or a person that cannot be; the text says why."""


@dataclass(slots=True)
class Application:
    """A relying party: who sends people here to sign in."""

    client_id: str
    client_secret: str
    name: str = ""
    redirect_uris: list[str] = field(default_factory=list)
    post_logout_redirect_uris: list[str] = field(default_factory=list)
    id_token_alg: str = "ES256"  # noqa: S105 - an algorithm


@dataclass(slots=True)
class Person:
    """Somebody who can sign in. `sub` is hers for good, also when her name changes."""

    email: str
    name: str
    sub: str
    email_verified: bool = True


@dataclass(slots=True)
class Grant:
    """One sign-in of one person at one application: what its code, and then its access token, stand for."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    email: str
    auth_at: float
    expires_at: float
    access_token: str | None = None
    """Set once the code was exchanged: a code works once."""


@dataclass(slots=True)
class Oidc:
    """The provider's state. Times are the sandbox clock's, in seconds since 1970."""

    applications: dict[str, Application] = field(default_factory=dict)
    """By client id."""
    people: dict[str, Person] = field(default_factory=dict)
    """By e-mail address, in the order in which they came."""
    keys: Keys = field(default_factory=Keys)
    codes: dict[str, Grant] = field(default_factory=dict)
    access_tokens: dict[str, Grant] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    """Cookie → e-mail address of who signed in last in this browser."""

    def put_application(self, values: Mapping[str, Any]) -> Application:
        """Register an application, or change what is named of it. Raises Unregistrable."""
        client_id = _text(values, "client_id")
        known = self.applications.get(client_id)
        if known is None:
            known = Application(client_id, _text(values, "client_secret"), name=client_id)
        changes = _changes(values, CLIENT_FIELDS, besides=("client_id",))
        for name in ("redirect_uris", "post_logout_redirect_uris"):
            uris = changes.get(name, [])
            if not isinstance(uris, list) or not all(isinstance(uri, str) and "://" in uri for uri in uris):
                raise Unregistrable(f"{name} is a list of addresses")
        if changes.get("id_token_alg", "ES256") not in SIGNING_ALGORITHMS:
            raise Unregistrable(f"id_token_alg is one of {', '.join(SIGNING_ALGORITHMS)}")
        for name, value in changes.items():
            setattr(known, name, value)
        self.applications[client_id] = known
        return known

    def put_person(self, values: Mapping[str, Any]) -> Person:
        """Make a person known, or change what is named of her. Raises Unregistrable."""
        email = _text(values, "email")
        local, _, host = email.rpartition("@")
        if not local or not host or any(letter.isspace() for letter in email):
            raise Unregistrable("email is an e-mail address")
        changes = _changes(values, PERSON_FIELDS, besides=("email",))
        known = self.people.get(email)
        if known is None:
            known = Person(email, name=local, sub=hashlib.sha256(email.encode()).hexdigest()[:24])
        for name, value in changes.items():
            setattr(known, name, value)
        self.people[email] = known
        return known

    def find_person(self, email: str | None) -> Person | None:
        """Whoever has this address."""
        return self.people.get(email) if email else None

    def issue_code(self, grant: Grant) -> str:
        """A code for a grant."""
        self._forget_ended(grant.auth_at)
        code = secrets.token_urlsafe(32)
        self.codes[code] = grant
        return code

    def issue_access_token(self, grant: Grant, now: float) -> str:
        """The access token of a grant, whose code is now used."""
        token = grant.access_token = secrets.token_urlsafe(32)
        self.access_tokens[token] = grant
        grant.expires_at = now + ACCESS_TOKEN_SECONDS
        return token

    def open_session(self, email: str) -> str:
        """A new cookie that remembers who signed in."""
        cookie = secrets.token_urlsafe(24)
        self.sessions[cookie] = email
        return cookie

    def reset(self, *, everyone: bool) -> None:
        """Forget codes, tokens and sessions, with `everyone` also applications, people and keys."""
        self.codes.clear()
        self.access_tokens.clear()
        self.sessions.clear()
        if everyone:
            self.applications.clear()
            self.people.clear()
            self.keys = Keys()

    def saved(self) -> Any:
        """Who may sign in, and where; sign-ins that are going on begin anew."""
        return {
            "applications": [asdict(each) for each in self.applications.values()],
            "people": [asdict(each) for each in self.people.values()],
        }

    def restore(self, value: Any) -> None:
        """Take them back."""
        self.applications = {row["client_id"]: Application(**row) for row in value["applications"]}
        self.people = {row["email"]: Person(**row) for row in value["people"]}

    def _forget_ended(self, now: float) -> None:
        for kept in (self.codes, self.access_tokens):
            for key in [key for key, grant in kept.items() if grant.expires_at <= now]:
                del kept[key]


def _changes(values: Mapping[str, Any], allowed: tuple[str, ...], *, besides: tuple[str, ...]) -> dict[str, Any]:
    if unknown := set(values) - {*allowed, *besides}:
        raise Unregistrable(f"unknown: {', '.join(sorted(unknown))}")
    for name in ("name", "sub", "client_secret"):
        if name in values:
            _text(values, name)
    return {name: values[name] for name in allowed if name in values}


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value or len(value) > 500:
        raise Unregistrable(f"{name} is a text and must not be empty")
    return value
