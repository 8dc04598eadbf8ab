"""What crosses the wire about webhooks."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from app.events.facts import TYPES
from app.guard import LONGEST_URL
from app.schemas import (
    Body,
    EventId,
    Flag,
    Instant,
    Name,
    NotNull,
    Read,
    Verbatim,
    WebhookDeliveryId,
    WebhookEndpointId,
    example,
)

Status = Literal["waiting", "delivered", "failed"]
Url = Annotated[
    str,
    Verbatim,
    Field(min_length=1, max_length=LONGEST_URL, description="An https address of the open internet. It never moves:"
          " redirects are not followed."),
]  # fmt: skip
Description = Annotated[Name, Field(max_length=200, description="Whose it is and what for.")]
EventTypes = Annotated[
    list[Annotated[str, Field(json_schema_extra={"enum": list(TYPES)})]],
    Field(max_length=len(TYPES), description="Which types of events go there; none named means all, also later ones."),
]


def _check_types(value: list[str] | None) -> list[str] | None:
    if value is not None and not set(value) <= set(TYPES):
        raise ValueError(f"must be types of events: {', '.join(TYPES)}")
    return value if value is None else sorted(set(value))


class WebhookEndpointCreate(Body):
    """An address to be told what happens."""

    model_config = example(
        url="https://partner.example.jp/noren", event_types=["coupon.redeemed"], description="POS連携（予約システム）"
    )

    url: Url
    event_types: EventTypes = Field(default_factory=list)
    description: Description | None = None

    _types = field_validator("event_types")(_check_types)


class WebhookEndpointPatch(Body):
    """Changes to an endpoint."""

    model_config = example(event_types=["coupon.redeemed", "coupon.reversed"])

    url: Annotated[Url | None, NotNull()] = None
    event_types: Annotated[EventTypes | None, NotNull()] = None
    description: Description | None = None
    enabled: Annotated[Flag | None, NotNull()] = Field(
        default=None, description="True switches it on again; it goes on where it stopped."
    )

    _types = field_validator("event_types")(_check_types)


class WebhookRotation(Body):
    """How long messages bear a signature with the old secret too."""

    model_config = example(overlap_seconds=86_400)

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=7 * 24 * 3600)] = 24 * 3600


class WebhookReplay(Body):
    """Which events to send again."""

    model_config = example(since="2026-11-21T00:00:00Z", only_failed=True)

    since: Instant = Field(description="Events that were recorded since then, up to what was sent so far.")
    only_failed: Flag = Field(default=False, description="Only those that were given up.")


class WebhookReplayRead(Read):
    """What is sent again."""

    events: int = Field(
        description="How many events: of those that failed exactly, else with those of types that do not go there."
    )


class WebhookEndpointRead(Read):
    """An endpoint and how it does."""

    id: WebhookEndpointId
    url: str
    event_types: list[str]
    description: str | None
    enabled: bool
    disabled_reason: Literal["by_hand", "gone", "failing"] | None = Field(
        description="Switched off by hand, since it answered 410, or since it took nothing for five days."
    )
    failing_since: Instant | None = Field(description="Since when it has taken nothing; null while all is well.")
    delivered_at: Instant | None = Field(description="When it last took an event.")
    waiting: int = Field(description="Deliveries that wait for it, counted up to 2,000; the rest is still in the feed.")
    feed_no: int = Field(description="Up to which number of the feed its events stand among its deliveries.")
    previous_secret_until: Instant | None = Field(description="Until when messages bear two signatures.")
    created_at: Instant


class WebhookEndpointSecret(WebhookEndpointRead):
    """An endpoint with its secret, which is shown this once."""

    secret: str = Field(
        description="`whsec_…`, as libraries of Standard Webhooks take it.", examples=["whsec_C2FVsBQI"]
    )


class WebhookDeliveryRead(Read):
    """One event on its way to one endpoint. It is kept for 30 days once it is settled."""

    id: WebhookDeliveryId
    endpoint_id: WebhookEndpointId
    event_id: EventId | None = Field(description="Null for a test.")
    type: str
    status: Status = Field(description="`failed` is what was given up after three days.")
    attempts: int
    created_at: Instant
    tried_at: Instant | None = Field(description="When it was last tried.")
    due_at: Instant = Field(description="When it is tried next, while it waits.")
    settled_at: Instant | None
    took_ms: int | None = Field(description="How long the last attempt took.")
    last_status: int | None = Field(description="What the endpoint answered last; null where there was no answer.")
    last_error: str | None


class WebhookDeliveryShown(WebhookDeliveryRead):
    """A delivery with what is said and what was answered."""

    request: dict[str, Any] = Field(
        description="The document as it would go out now: of an erased person it tells nothing."
    )
    answer: str | None = Field(description="How the last answer began that was no success.")
