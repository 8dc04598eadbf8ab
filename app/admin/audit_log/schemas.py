"""What crosses the wire about the audit log."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import ID_PATTERN_END, AuditEntryId, CustomerId, Instant, Page, Read

Kind = Literal["change", "read", "refused"]
AnyId = Annotated[str, Field(pattern=f"^[a-z]{{2,10}}{ID_PATTERN_END}", examples=["store_01h459nb4pez5wsktk68anc03q"])]
"""The id of anything, as its own resource writes it."""
WhoId = Annotated[
    str,
    Field(pattern=f"^(client|key|staff|grant|till){ID_PATTERN_END}", examples=["client_01h459nb4pez5wsktk68anc03q"]),
]
"""The id of who may call."""


class RowChange(Read):
    """A row that differs: `before` is null for a new one, `after` for one that went.

    Only columns that changed are told; personal data and secrets read `(masked)`.
    """

    table: str
    key: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditEntryRead(Read):
    """Who did what to what (`change`), whose data an answer named (`read`), or what somebody was refused (`refused`).

    `times` is how often it was refused within a minute; `changes_left_out` how many rows more were changed.
    """

    id: AuditEntryId
    at: Instant
    kind: Kind
    action: str
    status: int | None
    caller_kind: str
    caller_id: AnyId | None
    caller_name: str
    address: str | None
    request_id: str | None
    object_id: AnyId | None
    customer_ids: list[CustomerId]
    changes: list[RowChange]
    changes_left_out: int
    times: int


class PersonReadRead(Read):
    """A person whom answers to the credential named, from when to when, and in how many answers."""

    customer_id: CustomerId
    first_at: Instant
    last_at: Instant
    times: int


class PersonReads(Page[PersonReadRead]):
    """A page of persons, and how many there are in all."""

    total: int
