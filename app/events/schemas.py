"""The feed as it crosses the wire."""

from typing import Annotated, Any

from pydantic import Field

from app.schemas import CustomerId, EventId, Instant, LineAccountId, Read, StoreId


class EventRead(Read):
    """Something that happened, once. `data` depends on the type; ids in it are written as elsewhere."""

    id: EventId
    feed_no: Annotated[int, Field(description="Its place in the brand's feed: 1, 2, 3 …")]
    type: str
    occurred_at: Annotated[Instant, Field(description="When it happened.")]
    recorded_at: Annotated[Instant, Field(description="When it became known here.")]
    customer_id: CustomerId | None
    store_id: StoreId | None
    line_account_id: LineAccountId | None
    data: dict[str, Any]


class Feed(Read):
    """One page of the feed, oldest first."""

    items: list[EventRead]
    next_after: Annotated[int, Field(description="Ask with this as `after` for what comes next, now or later.")]
    next_cursor: Annotated[str | None, Field(description="The next page that exists already; null when there is none.")]
