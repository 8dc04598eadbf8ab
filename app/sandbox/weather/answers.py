"""How JMA's server answers: what changed with its tags, 304 for what the caller has, a page for what is not there."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.sandbox.clock import parse_instant
from app.sandbox.state import Sandbox


def read_moment(sandbox: Sandbox, request: Request) -> datetime:
    """What time it is for this fetch: the header's, or the sandbox's own. Raises ValueError."""
    stated = request.headers.get("x-sandbox-now")
    return parse_instant(stated) if stated else datetime.fromtimestamp(sandbox.clock.now(), UTC)


def conditional(request: Request, body: bytes, modified_at: datetime, media_type: str = "application/json") -> Response:
    """200 with the body, or 304 if the caller has it already. An ETag outranks a date (RFC 9110)."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "etag": etag,
        "last-modified": format_datetime(modified_at.astimezone(UTC), usegmt=True),
        "cache-control": "max-age=1",
    }
    known, since = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if known is not None:
        fresh = etag in (tag.strip().removeprefix("W/") for tag in known.split(",")) or known.strip() == "*"
    else:
        fresh = since is not None and _is_not_before(since, modified_at)
    if fresh:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def not_found() -> Response:
    """JMA's page for what it does not have."""
    return HTMLResponse("<html><head><title>404 Not Found</title></head></html>", 404)


def _is_not_before(since: str, modified_at: datetime) -> bool:
    try:
        return parsedate_to_datetime(since) >= modified_at
    except (ValueError, TypeError):
        return False
