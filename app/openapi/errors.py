"""The problems that operations answer: one schema, and an example of each type by its published name."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from app.limits.problems import RateLimited
from app.problems import BY_STATUS
from app.problems import describe as describe_problem
from tenants.problems import Invalid, NotFound, PermissionMissing, Problem, StaleVersion, Unauthorized

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. Members beside these depend on the type; /problems lists them.",
    "required": ["type", "title", "status", "request_id"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z0-9-]+$", "examples": ["/problems/not-found"]},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "minLength": 8},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "additionalProperties": False,
                "properties": {
                    "pointer": {"type": "string", "pattern": "^(/.*)?$", "examples": ["/limits/total"]},
                    "detail": {"type": "string", "minLength": 1},
                    "detail_ja": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The same in Japanese, where it is.",
                    },
                },
            },
        },
    },
    "additionalProperties": True,
}

MEANINGS = {
    "400": "The request cannot be understood: a body that is not JSON, a header that is not text.",
    "401": "No credential, or one that is unknown, expired or revoked.",
    "403": "The credential lacks the permission.",
    "404": "Absent, or not yours to see: the two look alike.",
    "409": "The state forbids it.",
    "410": "It was there once, and will not come back.",
    "412": "If-Match names another version.",
    "413": "The body is too large.",
    "415": "The body is not said to be JSON.",
    "422": "Malformed; `errors` points at what.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
}
BY_KIND: dict[str, tuple[type[Problem], ...]] = {
    "401": (Unauthorized,),
    "403": (PermissionMissing,),
    "404": (NotFound,),
    "412": (StaleVersion,),
    "422": (Invalid,),
    "429": (RateLimited,),
}
"""Problems that mean the same wherever they are answered."""

_REQUEST_ID = "req_0192f3a58c0b7d0f8a5e2f6c1b7d9e40"
_WORDS: dict[str, Any] = {
    "detail": "The campaign has been sent.",
    "errors": [{"pointer": "/name", "detail": "Must not be empty."}],
    "permission": "coupons:write",
    "store": "渋谷店",
    "code": "S001",
    "channel_id": "1656000001",
    "keys": ["external_id", "phone"],
    "limit": "default",
    "retry_after_seconds": 42,
    "email": "hanako@example.jp",
}
"""Members of problems by name, where the type alone says too little."""


def response(status: str, slugs: list[str]) -> dict[str, Any]:
    """The description of one status of an operation, with an example of each type of problem it may carry."""
    shown = {slug: {"$ref": f"#/components/examples/{slug}"} for slug in sorted(set(slugs))}
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": shown}
    return {"description": MEANINGS[status], "content": {"application/problem+json": content}}


def slugs_of(status: str, also: tuple[type[Problem], ...] = ()) -> list[str]:
    """Published names of the problems of a status: the general ones and those of this operation."""
    general = [kind.slug() for kind in BY_KIND.get(status, ())]
    if not general and int(status) in BY_STATUS:
        general = [BY_STATUS[int(status)][0]]
    return general + [kind.slug() for kind in also if str(kind.status) == status]


def list_examples() -> dict[str, Any]:
    """An example of every type of problem, by its published name."""
    found: dict[str, dict[str, Any]] = {}
    for status, (slug, title) in BY_STATUS.items():
        found[slug] = {"type": f"/problems/{slug}", "title": title, "status": status, "request_id": _REQUEST_ID}
    for kind in list_kinds(Problem):
        found[kind.slug()] = describe_problem(_made_up(kind)) | {"request_id": _REQUEST_ID}
    return {
        slug: {"summary": example["title"], "value": example}
        for slug, example in sorted(found.items())
        if int(example["status"]) < 500
    }


def list_kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
    """Every type of problem that is loaded."""
    for narrower in kind.__subclasses__():
        if narrower.__module__.startswith(("app.", "tenants.")):
            yield narrower
        yield from list_kinds(narrower)


def _made_up(kind: type[Problem]) -> Problem:
    members = {field.name: _WORDS.get(field.name, _BY_TYPE.get(str(field.type), "…")) for field in fields(kind)}
    return kind(**members)


_BY_TYPE: dict[str, Any] = {
    "<class 'int'>": 1000,
    "<class 'datetime.datetime'>": datetime(2026, 11, 21, 2, 10, tzinfo=UTC),
    "<class 'str'>": "…",
}
