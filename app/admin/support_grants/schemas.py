"""What crosses the wire about support grants."""

from app.schemas import Instant, Read, SupportGrantId


class SupportGrantRead(Read):
    """Leave for the service's operator to read in the brand until `expires_at`, or until it was revoked."""

    id: SupportGrantId
    operator: str
    reason: str
    permissions: list[str]
    created_at: Instant
    expires_at: Instant
    revoked_at: Instant | None
