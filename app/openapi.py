"""The published OpenAPI document: what FastAPI derives, with the permission of each operation and our problems."""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from app.auth import PERMISSION_OF
from tenants.permissions import PERMISSIONS

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Members beside these depend on the type.",
    "required": ["type", "title", "status", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
    "additionalProperties": True,
}
_MEANINGS = {
    "400": "The body is not JSON.",
    "401": "No credential, or a bad one.",
    "403": "The permission is missing.",
    "404": "Absent, or not yours.",
    "409": "The state forbids it.",
    "412": "If-Match names another version.",
    "413": "The body is too large.",
    "422": "Malformed; `errors` points at what.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of this application, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, openapi_version="3.1.0", routes=app.routes
    )
    permissions: dict[str, dict[str, str | None]] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            of_path = permissions.setdefault(str(context.path_format), {})
            of_path.update((method.lower(), _permission(route.dependant)) for method in route.methods or ())
    for path, operations in document["paths"].items():
        if path.startswith("/v1"):
            for method, operation in operations.items():
                _complete(operation, method, permissions.get(path, {}).get(method))
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM
    document["components"]["securitySchemes"] = {
        "OAuth": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": dict(PERMISSIONS)}},
        },
        "Key": {"type": "http", "scheme": "bearer", "description": "A store key: `nrn_store_…`."},
    }
    app.openapi_schema = document
    return document


def _complete(operation: dict[str, Any], method: str, permission: str | None) -> None:
    operation["security"] = [{"OAuth": [permission] if permission else []}, {"Key": []}]
    if permission:
        operation["x-permission"] = permission
    expected = ["401", "403", "404", "422"] + (["400", "409", "413"] if method in ("post", "patch", "put") else [])
    if method == "patch":
        expected.append("412")
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in expected:
        operation["responses"][status] = {"description": _MEANINGS[status], "content": content}
    if method == "post":
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": 255},
                "description": "Same key and body within 24 hours: the first answer again.",
            }
        )
    if method == "patch":
        operation.setdefault("parameters", []).append(
            {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}}
        )


def _permission(dependant: Dependant) -> str | None:
    for inner in dependant.dependencies:
        if inner.call in PERMISSION_OF:
            return PERMISSION_OF[inner.call]
    return None
