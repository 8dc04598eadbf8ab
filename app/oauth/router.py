"""OAuth over HTTP: form in, JSON out, and errors in OAuth's own shape."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from app.audit import requests as audit
from app.audit.service import Actor
from app.auth import Now, hold_slot
from app.oauth.server import AUTH_METHODS, KnownClient, OAuthError, TokenRequest, TokenServer, refuse, render
from app.routes import read_body
from tenants.clients.models import ApiClient
from tenants.permissions import PERMISSIONS

MAX_FORM_BYTES = 20_000
_FORM_TYPE = "application/x-www-form-urlencoded"


class OAuthRoute(APIRoute):
    """Reads a small form, and answers what goes wrong as RFC 6749 (5.2) wants it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Response:
            try:
                if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
                    raise refuse("invalid_request", f"The body must be {_FORM_TYPE}.")
                await read_body(request, MAX_FORM_BYTES)
                return await handle(request)
            except OAuthError as error:
                return render(*error())

        return handle_form


def read_token_request(request: Request) -> TokenRequest:
    """The form and the headers of this request. Raises invalid_request for what is no form or repeats a field."""
    try:
        fields = parse_qsl(request._body.decode(), keep_blank_values=False, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise refuse("invalid_request", "The body is not a form in UTF-8.") from error
    form = dict(fields)
    if len(form) != len(fields):
        raise refuse("invalid_request", "A field is given more than once.")
    if any("\x00" in value for value in form.values()):
        raise refuse("invalid_request", "A field holds NUL.")
    return TokenRequest(form, request.headers)


def open_server(request: Request, now: Now, slot: Annotated[None, Depends(hold_slot, scope="function")]) -> TokenServer:
    """The authorization server for this request, which counts towards the limit of the client that proves itself."""
    engine, limits = request.app.state.engine, request.app.state.limits

    def settle(client: KnownClient | None) -> None:
        if client is None or client.scope is None or client.row is None:
            limits.disown(request.scope)
        else:
            limits.accept(request.scope, engine, client.scope.brand_id, client.row.id, now)
            audit.gatherer_of(request).add_use(client.scope.brand_id, client.row.id, now, audit.address_of(request))

    def name_actor(client: ApiClient) -> Actor:
        return audit.actor_of(request, "api_client", client.id, client.name)

    return TokenServer(engine, now, settle, name_actor)


Asked = Annotated[TokenRequest, Depends(read_token_request)]
Server = Annotated[TokenServer, Depends(open_server, scope="function")]

_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "invalid_request, invalid_scope or unsupported_grant_type"},
    401: {"description": "invalid_client"},
}
for _error in _ERRORS.values():
    _error["content"] = {"application/json": {"schema": _ERROR_SCHEMA}}

router = APIRouter(prefix="/oauth", tags=["oauth"], route_class=OAuthRoute, responses=_ERRORS)


def _form(required: list[str], **fields: str) -> dict[str, Any]:
    """The OpenAPI description of a form; credentials may come in the header instead."""
    described = {name: {"type": "string", "description": text} for name, text in fields.items()}
    described["client_id"] = {"type": "string", "description": "Unless the header carries it."}
    described["client_secret"] = {"type": "string", "description": "Unless the header carries it."}
    schema = {"type": "object", "required": required, "properties": described}
    return {"requestBody": {"required": True, "content": {_FORM_TYPE: {"schema": schema}}}}


_TOKEN_FORM = _form(
    ["grant_type"],
    grant_type="client_credentials",
    scope="Permissions, separated by spaces; none: all of the client's.",
)


@router.post("/token", openapi_extra=_TOKEN_FORM)
def create_token(asked: Asked, server: Server) -> Any:
    """A bearer token for a client's id and secret, valid for an hour (RFC 6749, 4.4)."""
    if not asked.payload.grant_type:
        raise refuse("invalid_request", "grant_type is missing.")
    if asked.payload.grant_type != "client_credentials":
        raise refuse("unsupported_grant_type", "grant_type must be client_credentials.")
    return server.create_token_response(asked)


_REVOKE_FORM = _form(["token"], token="The access token to end.")  # noqa: S106 - a description


@router.post("/revoke", openapi_extra=_REVOKE_FORM)
def revoke_token(asked: Asked, server: Server) -> Any:
    """End an access token before its hour (RFC 7009). A token that is none is answered likewise."""
    return server.create_endpoint_response("revocation", asked)


_INTROSPECT_FORM = _form(["token"], token="The access token in question.", token_type_hint="access_token")  # noqa: S106


@router.post("/introspect", openapi_extra=_INTROSPECT_FORM)
def introspect_token(asked: Asked, server: Server) -> Any:
    """Whether an access token of your brand is good, whose it is, and what it allows (RFC 7662)."""
    return server.create_endpoint_response("introspection", asked)


metadata = APIRouter(include_in_schema=False)


@metadata.get("/.well-known/oauth-authorization-server")
def describe_server(request: Request) -> dict[str, Any]:
    """What this authorization server offers, and where (RFC 8414)."""
    issuer = request.app.state.settings.public_url.rstrip("/")
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": sorted(PERMISSIONS),
        "service_documentation": f"{issuer}/docs",
    }


routers = [router, metadata]
