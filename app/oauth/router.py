"""OAuth over HTTP: form in, JSON out, and errors in OAuth's own shape."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from app.auth import Now, hold_slot
from app.oauth.server import TokenRequest, TokenServer
from app.routes import read_body

MAX_FORM_BYTES = 20_000
_FORM_TYPE = "application/x-www-form-urlencoded"


class OAuthRoute(APIRoute):
    """Reads a small form, and answers what goes wrong as RFC 6749 (5.2) wants it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Response:
            try:
                if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
                    raise InvalidRequestError(f"The body must be {_FORM_TYPE}.")
                await read_body(request, MAX_FORM_BYTES)
                return await handle(request)
            except OAuth2Error as error:
                status, body, headers = error()
                return JSONResponse(body, status, dict(headers))

        return handle_form


def read_token_request(request: Request) -> TokenRequest:
    """The form and the headers of this request. Raises InvalidRequestError for what is no form or repeats a field."""
    try:
        fields = parse_qsl(request._body.decode(), keep_blank_values=False, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise InvalidRequestError("The body is not a form in UTF-8.") from error
    form = dict(fields)
    if len(form) != len(fields):
        raise InvalidRequestError("A field is given more than once.")
    if any("\x00" in value for value in form.values()):
        raise InvalidRequestError("A field holds NUL.")
    return TokenRequest(form, request.headers)


def open_server(request: Request, now: Now, slot: Annotated[None, Depends(hold_slot, scope="function")]) -> TokenServer:
    """The authorization server for this request."""
    return TokenServer(request.app.state.engine, now)


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
        raise InvalidRequestError("grant_type is missing.")
    if asked.payload.grant_type != "client_credentials":
        raise OAuth2Error("grant_type must be client_credentials.", error="unsupported_grant_type")
    return server.create_token_response(asked)


_REVOKE_FORM = _form(["token"], token="The access token to end.")  # noqa: S106 - a description


@router.post("/revoke", openapi_extra=_REVOKE_FORM)
def revoke_token(asked: Asked, server: Server) -> Any:
    """End an access token before its hour (RFC 7009). A token that is none is answered likewise."""
    return server.create_endpoint_response("revocation", asked)


routers = [router]
