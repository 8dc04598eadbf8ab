"""What every operation under /v1 has: its credentials, the problems it may answer, its headers."""

from typing import Any

from fastapi.routing import APIRoute

from app.openapi import errors, security
from app.openapi.headers import HEADERS, LIMITS, refer
from app.openapi.problems_of import PROBLEMS_OF
from app.routes import IfMatch
from tenants.problems import Conflict

REPLAYED: dict[str, Any] = {
    "type": "object",
    "title": "Replayed",
    "description": "This was done before with the same Idempotency-Key; its answer held a secret and is not repeated.",
    "required": ["detail"],
    "additionalProperties": False,
    "properties": {"detail": {"type": "string", "minLength": 1, "examples": ["This was done before."]}},
}
_CHANGING = ("post", "patch", "put", "delete")
_WITH_BODY = ("post", "patch", "put")
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {
        "type": "string",
        "pattern": '^([!#-~]|[!#-~][ -~]{0,253}[!-~]|"[ -~]{1,255}")$',
        "examples": ["order-2026-11-21-0001"],
    },
    "description": "1 to 255 printable ASCII characters, bare or in double quotes. "
    "Same key and body within 24 hours: the first answer again.",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ["*"]},
    "description": "Change only this version: an ETag, several with commas between, or `*` for any.",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ['"0f5c1d2e3b4a59687766"']},
    "description": "ETags that the caller has: if one of them still holds, the answer is 304 without a body.",
}


def complete(operation: dict[str, Any], path: str, method: str, *, route: APIRoute, schemas: dict[str, Any]) -> None:
    """Add to one operation what FastAPI does not know of it."""
    permission = security.permission_of(route.dependant)
    operation["security"] = security.requirements(permission, method)
    if permission:
        operation["x-permission"] = permission
    _describe_answers(operation["responses"], method, schemas)
    parameters = operation.setdefault("parameters", [])
    if method == "post":
        parameters.append(_IDEMPOTENCY_KEY)
        _describe_replays(operation["responses"], is_secret="answer_is_secret" in route.endpoint.__code__.co_names)
    if takes_version := method == "patch" or any(one.call is IfMatch for one in route.dependant.dependencies):
        parameters.append(_IF_MATCH)
    if method == "get" and "ETag" in operation["responses"]["200"]["headers"]:
        parameters.append(_IF_NONE_MATCH)
        operation["responses"]["304"] = {
            "description": "The version named in If-None-Match still holds.",
            "headers": refer("Request-Id", "ETag", *LIMITS),
        }
    _describe_problems(operation, path, method, permission, takes_version=takes_version)
    if not parameters:
        del operation["parameters"]


def _describe_answers(responses: dict[str, Any], method: str, schemas: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.startswith("2"):
            response["headers"] = refer("Request-Id", *LIMITS) | _version_header(status, response, schemas)
            if response.get("description") == "Successful Response":
                response["description"] = _DESCRIBED.get((method, status), _DONE[status])


_DONE = {"200": "Done.", "201": "Created.", "202": "Taken; the work goes on.", "204": "Done; nothing to tell."}
_DESCRIBED = {("get", "200"): "As it stands now.", ("patch", "200"): "Changed."}


def _describe_replays(responses: dict[str, Any], *, is_secret: bool) -> None:
    """A POST may be answered from memory; where the handler says that its answer is secret, what comes is a 200."""
    replayed = {"$ref": "#/components/schemas/Replayed"}
    for status, response in list(responses.items()):
        if not status.startswith("2"):
            continue
        response["headers"] |= refer("Idempotent-Replayed")
        if not is_secret:
            continue
        if status == "200":
            content = response["content"]["application/json"]
            content["schema"] = {"anyOf": [content["schema"], replayed]}
        else:
            responses["200"] = {
                "description": REPLAYED["description"],
                "headers": refer("Request-Id", *LIMITS, "Idempotent-Replayed"),
                "content": {"application/json": {"schema": replayed}},
            }


def _describe_problems(
    operation: dict[str, Any], path: str, method: str, permission: str | None, *, takes_version: bool
) -> None:
    own = PROBLEMS_OF.get(operation["operationId"], ())
    statuses = {"400", "401", "422", "429"} | {str(kind.status) for kind in own}
    if permission:
        statuses.add("403")
    if "{" in path or _names_other_things(operation):
        statuses.add("404")
    if method in _CHANGING:
        statuses.add("409")
    if method in _WITH_BODY:
        statuses |= {"413", "415"}
    if takes_version:
        statuses.add("412")
    for status in sorted(statuses):
        slugs = errors.slugs_of(status, own)
        if status == "409":
            slugs.append(Conflict.slug())
        if status == "422" and method == "post":
            slugs.append("idempotency-key-reused")
        response = errors.response(status, slugs)
        response["headers"] = refer("Request-Id", *(("Retry-After", *LIMITS) if status == "429" else ()))
        operation["responses"][status] = response


def _names_other_things(operation: dict[str, Any]) -> bool:
    """Whether a body or a filter may name what is not there."""
    in_query = any(parameter["name"].endswith("_id") for parameter in operation.get("parameters", ()))
    return in_query or "requestBody" in operation


def _version_header(status: str, response: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The ETag of a single resource: always, or now and then where the answer may also be a list."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    shapes = [_first_member(one, schemas) for one in schema.get("anyOf", [schema])]
    if status not in ("200", "201") or all(shape in (None, "items") for shape in shapes):
        return {}
    return {"ETag": HEADERS["ETag"] | {"required": False}} if "items" in shapes else refer("ETag")


def _first_member(schema: dict[str, Any], schemas: dict[str, Any]) -> str | None:
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return next(iter(named.get("properties", ())), None)
