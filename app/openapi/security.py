"""Which credentials an operation takes, and the permission that each must carry."""

from typing import Any

from fastapi.dependencies.models import Dependant

from app.auth import PERMISSION_OF
from tenants.permissions import GRANTABLE_TO_STORES, PERMISSIONS

SCHEMES: dict[str, Any] = {
    "OAuth": {
        "type": "oauth2",
        "description": "Head office's API client: a token of one hour, by client credentials.",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": dict(PERMISSIONS)}},
    },
    "Key": {"type": "http", "scheme": "bearer", "description": "A key: `nrn_store_…` or `nrn_partner_…`."},
    "Operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the service's operator, `nrn_operator_…`: at /operator only, and good nowhere else.",
    },
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-noren",
        "description": "A member of staff who is signed in at /console; her role says what she may. Where there is an "
        "`Authorization` header as well, that decides.",
    },
    "CsrfToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The session's own token, with everything that changes something; our pages carry it.",
    },
    "Client": {"type": "http", "scheme": "basic", "description": "The client's id and secret, at /oauth only."},
}

OPERATOR: list[dict[str, list[str]]] = [{"Operator": []}]

CLIENT_ITSELF: list[dict[str, list[str]]] = [{"Client": []}, {}]
"""At /oauth the client may also name itself in the form, which no scheme can say."""


def requirements(permission: str | None, method: str) -> list[dict[str, list[str]]]:
    """Any one of these credentials; those that cannot be given the permission are not among them."""
    needed = [permission] if permission else []
    found = [{"OAuth": needed}]
    if permission is None or permission in GRANTABLE_TO_STORES:
        found.append({"Key": needed})
    found.append({"Session": needed} if method == "get" else {"Session": needed, "CsrfToken": []})
    return found


def permission_of(dependant: Dependant) -> str | None:
    """The permission that a route checks before its handler runs; None where any credential will do."""
    for inner in dependant.dependencies:
        if inner.call in PERMISSION_OF:
            return PERMISSION_OF[inner.call]
    return None
