"""Authlib's authorization server, fitted to our database: it finds clients, knows their permissions, keeps tokens.

All that knows Authlib is here. What it is told comes from `tenants.clients`, and what it answers leaves by `render`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from fastapi.responses import JSONResponse
from sqlalchemy import Engine, text
from starlette.datastructures import Headers

from app.audit import service as audit
from app.keys import digest_of, is_well_formed, new_secret
from app.oauth.basic import read_basic
from tenants.clients import queries, service
from tenants.clients.models import AccessToken, ApiClient
from tenants.ids import decode_id, encode_id
from tenants.permissions import normalise_permissions
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

OAuthError = OAuth2Error
"""Whatever goes wrong, in the shape of RFC 6749 (5.2)."""


def refuse(error: str, description: str) -> OAuth2Error:
    """An error of this published name, to be raised."""
    return OAuth2Error(description, error=error)


def render(status: int, body: Any, headers: Sequence[tuple[str, str]]) -> JSONResponse:
    """An answer of Authlib's. A challenge must name its realm (RFC 7617), which Authlib's does not."""
    told = dict(headers)
    if challenge := told.get("WWW-Authenticate"):
        told["WWW-Authenticate"] = challenge.replace("Basic ", 'Basic realm="noren", ', 1)
    return JSONResponse(body, status, told)


@dataclass(frozen=True)
class KnownClient(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks about it. `row` is None for one that does not exist, which knows no secret: so the
    answer to an unknown client and to a wrong secret is the same."""

    scope: Scope | None
    row: ApiClient | None
    now: datetime

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is the secret of a client that has not ended, or the one before it while both are accepted."""
        return self.row is not None and service.knows_secret(self.row, digest_of(client_secret), self.now)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Header and body are both accepted, one at a time."""
        return method in AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """Clients act for themselves only."""
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str:
        """The permissions asked for, or all of the client's if none are. Raises InvalidScopeError."""
        granted: Sequence[str] = self.row.permissions if self.row else []
        if not scope:
            return " ".join(sorted(granted))
        try:
            wanted = normalise_permissions(scope)
        except ValueError as error:
            raise InvalidScopeError from error
        if not set(wanted) <= set(granted):
            raise InvalidScopeError
        return " ".join(wanted)


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """One request as Authlib reads it."""

    def __init__(self, form: Mapping[str, str], headers: Headers) -> None:
        # TLS ends before us, so the address that we see proves nothing; Authlib must not refuse it as insecure.
        super().__init__("POST", "https://noren/oauth", headers=headers)
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of the body."""
        data: Mapping[str, str] = self.payload.data
        return data


class UnreadableHeader(InvalidClientError):  # type: ignore[misc]
    """The `Authorization` header holds no id and secret that could be looked up."""


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """The authorization server of one request. Every look-up and every write is a transaction of its own.

    `settle` is told the client that has proved itself, or None when nobody has. `name_actor` says who it then is to
    the audit log.
    """

    def __init__(
        self,
        engine: Engine,
        now: datetime,
        settle: Callable[[KnownClient | None], None],
        name_actor: Callable[[ApiClient], audit.Actor],
    ) -> None:
        super().__init__()
        self.engine = engine
        self.now = now
        self.settle = settle
        self.name_actor = name_actor
        self.register_grant(CredentialsGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)
        self.register_client_auth_method("client_secret_basic", _authenticate_by_header)
        # Authlib's own life of a token is ten days.
        self.register_token_generator("default", BearerTokenGenerator(_new_token, expires_generator=_token_seconds))

    def query_client(self, client_id: str) -> KnownClient:
        """The client of this id, real or not."""
        scope = _find_scope(self.engine, client_id)
        if scope is None:
            return KnownClient(None, None, self.now)
        with open_session(self.engine, scope) as session:
            return KnownClient(scope, queries.find_client(session, decode_id("client", client_id)), self.now)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Keep the token's hash, so that it is known from now on."""
        client: KnownClient = request.client
        assert client.scope is not None
        assert client.row is not None
        permissions = token["scope"].split() if token.get("scope") else []
        with open_session(self.engine, client.scope) as session:
            service.issue_token(session, client.row, permissions, digest_of(token["access_token"]), self.now)
            self.note(session, client.row, "create_token")
            session.commit()

    def note(self, session: ScopedSession, client: ApiClient, action: str) -> None:
        """Write down in the brand's audit log, with the effect itself, what a client did here."""
        deed = audit.Deed(action, audit.Thing("client", client.id), status=200)
        audit.note(session, self.name_actor(client), deed, now=self.now)

    def authenticate_client(self, request: TokenRequest, methods: list[str], endpoint: str = "token") -> KnownClient:
        """The client that the request proves to come from. Raises InvalidClientError, in words of ours where Authlib
        would list its methods, and InvalidRequestError where the request authenticates in two ways at once (RFC 6749,
        2.3), which Authlib would let pass."""
        if request.headers.get("Authorization") and "client_secret" in request.form:
            raise InvalidRequestError("Authenticate by the header or in the body, not by both.")
        try:
            client: KnownClient = super().authenticate_client(request, methods, endpoint)
        except InvalidClientError as error:
            self.settle(None)
            if isinstance(error, UnreadableHeader):
                raise
            raise InvalidClientError("Unknown client or wrong secret.", status_code=401) from error
        self.settle(client)
        return client

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """The same request: it is Authlib's already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> JSONResponse:
        """Authlib's answer as a response."""
        return render(status, body, headers)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


class CredentialsGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """The one grant: client credentials, in the header or in the body."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Ends a token before its hour (RFC 7009). A token of another client, or none at all, is answered likewise."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    def authenticate_token(self, request: TokenRequest, client: KnownClient) -> AccessToken | None:
        """The client's own token that is to end."""
        self.check_params(request, client)
        assert client.scope is not None
        assert client.row is not None
        with open_session(self.server.engine, client.scope) as session:
            token = queries.find_token(session, digest_of(request.form["token"]))
        return token if token is not None and token.api_client_id == client.row.id else None

    def revoke_token(self, token: AccessToken, request: TokenRequest) -> None:
        """Forget the token."""
        with open_session(self.server.engine, request.client.scope) as session:
            service.end_token(session, token)
            self.server.note(session, request.client.row, "revoke_token")
            session.commit()


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """Tells any client of the brand what an access token is worth now (RFC 7662): whoever holds one could use it, and
    learns nothing more by being told. Another brand's token is as unknown as one that never was."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    def authenticate_token(self, request: TokenRequest, client: KnownClient) -> dict[str, Any] | None:
        """What there is to tell of the token, or None for one that is no good."""
        self.check_params(request, client)
        token = request.form["token"]
        if not is_well_formed(token):
            return None
        assert client.scope is not None
        with open_session(self.server.engine, client.scope) as session:
            found = queries.find_live_token(session, digest_of(token), self.server.now)
        if found is None:
            return None
        row, owner = found
        owner_id = encode_id("client", owner.id)
        ends_at = row.expires_at if owner.expires_at is None else min(row.expires_at, owner.expires_at)
        return {
            "active": True,
            "scope": " ".join(sorted(set(row.permissions) & set(owner.permissions))),
            "client_id": owner_id,
            "sub": owner_id,
            "token_type": "Bearer",
            "iat": int(row.created_at.timestamp()),
            "exp": int(ends_at.timestamp()),
        }

    def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
        """The answer: of a token that is no good, nothing but that."""
        return token or {"active": False}


def _token_seconds(client: KnownClient, grant_type: str) -> int:
    assert client.row is not None
    return int((service.token_end(client.row, client.now) - client.now).total_seconds())


def _new_token(**about: Any) -> str:
    return new_secret("token")


def _authenticate_by_header(query_client: Callable[[str], KnownClient], request: TokenRequest) -> KnownClient | None:
    """The client named in an `Authorization: Basic` header. Authlib's own reader breaks on one that is not UTF-8."""
    try:
        found = read_basic(request.headers)
    except ValueError as error:
        raise UnreadableHeader(str(error), status_code=401) from error
    if found is None:
        return None
    client = query_client(found[0])
    return client if client.check_client_secret(found[1]) else None


def _find_scope(engine: Engine, client_id: str) -> Scope | None:
    """The brand of a client, before any scope is known."""
    try:
        wanted = decode_id("client", client_id)
    except ValueError:
        return None
    with engine.connect() as connection:
        brand_id: UUID | None = connection.execute(
            text("SELECT find_client_brand(:wanted)"), {"wanted": wanted}
        ).scalar_one()
        connection.rollback()
    return Scope(brand_id) if brand_id else None
