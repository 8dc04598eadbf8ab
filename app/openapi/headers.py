"""The headers of answers, described once and referred to from every operation."""

from typing import Any

HEADERS: dict[str, Any] = {
    "Request-Id": {
        "description": "Names this request in our logs; the caller's own, where it sent a harmless one.",
        "required": True,
        "schema": {"type": "string", "maxLength": 64, "examples": ["req_0192f3a58c0b7d0f8a5e2f6c1b7d9e40"]},
    },
    "ETag": {
        "description": "The version of the resource. Send it back as If-Match or If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{20}"$', "examples": ['"0f5c1d2e3b4a59687766"']},
    },
    "RateLimit": {
        "description": "What is left of the limit in force, and the seconds until it is full again.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[a-z-]+";r=[0-9]+;t=[0-9]+$', "examples": ['"default";r=5998;t=42']},
    },
    "RateLimit-Policy": {
        "description": "The limit of this credential or address: so many requests in a window of so many seconds.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[a-z-]+";q=[0-9]+;w=[0-9]+$', "examples": ['"default";q=6000;w=60']},
    },
    "X-RateLimit-Limit": {
        "description": "The same as many clients read it: requests in a window.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "examples": [6000]},
    },
    "X-RateLimit-Remaining": {
        "description": "Requests left in this window.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "examples": [5998]},
    },
    "X-RateLimit-Reset": {
        "description": "When the limit is full again, in seconds since 1970.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "examples": [1795226520]},
    },
    "Retry-After": {
        "description": "Seconds to wait before the request is worth repeating.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "examples": [1]},
    },
    "Idempotent-Replayed": {
        "description": "`true` where the answer is the one that this Idempotency-Key got before.",
        "schema": {"const": "true"},
    },
}


LIMITS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
"""The headers that tell of limits."""


def refer(*names: str) -> dict[str, Any]:
    """A response's `headers` that point at the descriptions above."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
