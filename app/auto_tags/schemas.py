"""Auto-tags as they cross the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import AutoTagId, Body, Instant, Name, NotNull, Read, StoreId, TagId, example

Status = Literal["live", "paused"]
Days = Annotated[int, Field(strict=True, ge=1, le=3650)]
ExpiresAfter = Annotated[
    Days | None, Field(description="With an event: days after it until the tag comes off; it again moves the end on.")
]


class Trigger(Body):
    """What makes an auto-tag tag: exactly one of an event and a rule."""

    event: Annotated[
        dict[str, Any] | None,
        Field(
            description="What people do, as in the field `event` of a segment's rule: `type`, and perhaps `where`"
            " (members of the event's data), `store_id` and `line_account_id`. Who does it is tagged within seconds.",
            examples=[{"type": "coupon.redeemed"}],
        ),
    ] = None
    rule: Annotated[
        dict[str, Any] | None,
        Field(
            description="A segment's rule. Every 15 minutes those who meet it are tagged, and the tag is taken off"
            " those whom this auto-tag tagged and who no longer do.",
            examples=[{"field": "order_count", "op": ">=", "value": 5}],
        ),
    ] = None


class AutoTagCreate(Body):
    """A rule that tags customers. It is its tag's owner's: head office's, or a store's."""

    model_config = example(
        name="クーポンを使った方",
        tag_id="tag_01h455vb4pex5vsknk084sn02q",
        trigger={"event": {"type": "coupon.redeemed"}},
        expires_after_days=90,
    )

    name: Name
    tag_id: TagId
    trigger: Trigger
    expires_after_days: ExpiresAfter = None
    status: Status = "live"


class AutoTagUpdate(Body):
    """What may change. A new trigger replaces the old one as a whole; another tag needs another auto-tag."""

    model_config = example(status="paused")

    name: Annotated[Name | None, NotNull()] = None
    trigger: Annotated[Trigger | None, NotNull()] = None
    expires_after_days: ExpiresAfter = None
    status: Annotated[Status | None, NotNull()] = None


class AutoTagRead(Read):
    """A rule that tags customers."""

    id: AutoTagId
    name: str
    tag_id: TagId
    trigger: dict[str, Any]
    expires_after_days: int | None
    status: Status
    store_id: Annotated[StoreId | None, Field(description="The store that owns it and its tag; null is head office.")]
    ran_at: Annotated[Instant | None, Field(description="When its rule was last followed; null with an event.")]
    created_at: Instant
