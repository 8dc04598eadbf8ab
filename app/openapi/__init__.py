"""The published OpenAPI document: what FastAPI derives, completed with what every operation under /v1 has in common."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from app.openapi import errors, examples, links, operations, security, texts
from app.openapi.headers import HEADERS
from app.openapi.webhooks import describe_webhooks


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of this application, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, openapi_version="3.1.0", routes=app.routes
    )
    components = document["components"]
    schemas = components["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas |= {"Problem": errors.PROBLEM, "Replayed": operations.REPLAYED}
    components["securitySchemes"] = security.SCHEMES
    components["headers"] = HEADERS
    components["examples"] = errors.list_examples()
    routes = _routes_by_operation(app)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            route = routes[path, method]
            if path.startswith("/v1"):
                operations.complete(operation, path, method, route=route, schemas=schemas)
            elif path.startswith("/operator"):
                operations.complete(operation, path, method, route=route, schemas=schemas)
                operation["security"] = security.OPERATOR
            else:
                operation["security"] = security.CLIENT_ITSELF
    document["webhooks"] = describe_webhooks()
    texts.refuse_nul(document)
    links.add_links({path: item for path, item in document["paths"].items() if path.startswith("/v1")}, schemas)
    examples.add_examples(document["paths"], schemas)
    app.openapi_schema = document
    return document


def _routes_by_operation(app: FastAPI) -> dict[tuple[str, str], APIRoute]:
    found: dict[tuple[str, str], APIRoute] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            found.update(((str(context.path_format), method.lower()), route) for method in route.methods or ())
    return found
