"""Reminders as they cross the wire."""

from typing import Annotated, Any

from pydantic import Field

from app.campaigns.life.schemas import Clock
from app.campaigns.schemas import Holdout, Messages, SenderPolicy, Tracking
from app.schemas import Body, Instant, Read, RunId, example

HoursBefore = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=720,
        description="Who is reminded: those with a copy that ends within so many hours, though not within one. With"
        " fewer than 24 copies that end at another time of the day are never reminded of.",
    ),
]
SendAt = Annotated[Clock, Field(description="The time of day at which it goes, by the brand's clock.")]


class ReminderPut(Body):
    """What to say, and when, to those who have not used their copies."""

    model_config = example(
        hours_before=24,
        messages=[{"type": "text", "text": "「{{ coupon.name }}」は{{ coupon.expires_at }}までです。"}],
    )

    hours_before: HoursBefore
    messages: Annotated[Messages, Field(description="`coupon.code` and `coupon.expires_at` are those of her copy.")]
    send_at: SendAt = "11:00"
    sender_policy: SenderPolicy | None = None
    holdout_ratio: Holdout = 0.0
    tracking: Tracking = "campaign"


class ReminderRunRead(Read):
    """The newest sending of a reminder."""

    id: RunId
    status: str
    started_at: Instant
    chosen: Annotated[int, Field(description="To whom it goes.")]
    left_out: Annotated[dict[str, int], Field(description="Who holds a copy and is not written to, by reason.")]


class ReminderRead(Read):
    """The reminder of a coupon."""

    hours_before: int
    messages: list[dict[str, Any]]
    send_at: str
    sender_policy: SenderPolicy | None
    holdout_ratio: float
    tracking: Tracking
    due_at: Annotated[Instant, Field(description="When it is looked next who is to be reminded.")]
    last_run: Annotated[
        ReminderRunRead | None, Field(description="Null before the first, and of head office's for a store.")
    ]
