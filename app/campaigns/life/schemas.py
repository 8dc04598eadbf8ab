"""What crosses the wire of a campaign's life: when it goes, what it is to achieve, and the steps it took."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from app.schemas import (
    Body,
    CampaignId,
    Count,
    CustomerId,
    Instant,
    LineAccountId,
    LocalDate,
    Name,
    OneLine,
    Read,
    RunId,
    StoreId,
    example,
)

StepKind = Literal[
    "drafted", "copied", "changed", "submitted", "approved", "returned", "scheduled", "rescheduled", "unscheduled",
    "postponed", "launched", "tested", "decided", "paused", "resumed", "cancelled", "sent", "expired", "failed",
]  # fmt: skip
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["10:00"])]
Note = Annotated[OneLine, Field(max_length=1000, examples=["価格を確認してください。"])]


class BestTime(Body):
    """Between these times of the brand's day each person is written to at the hour at which she is most active."""

    model_config = ConfigDict(
        serialize_by_alias=True,
        populate_by_name=True,
        json_schema_extra={"examples": [{"from": "10:00", "to": "20:00"}]},
    )

    from_: Annotated[Clock, Field(alias="from")]
    to: Clock

    @model_validator(mode="after")
    def _lasts(self) -> "BestTime":
        if self.to <= self.from_:
            raise ValueError("must end after it begins, on the same day")
        return self


class Schedule(Body):
    """When it goes: at a moment, at each person's best hour, or both: then at her next best hour after that moment."""

    model_config = example(send_at="2026-11-21T02:00:00Z")

    send_at: Instant | None = None
    best_time: BestTime | None = None
    late_minutes: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=10_080,
            description="How late it may still go, should the service be down at `send_at`; after that it expires.",
        ),
    ] = 60

    @model_validator(mode="after")
    def _says_when(self) -> "Schedule":
        if self.send_at is None and self.best_time is None:
            raise ValueError("give send_at, best_time or both")
        return self

    def to_column(self) -> dict[str, Any]:
        """As it is kept."""
        return self.model_dump(mode="json", exclude_none=True)


class Goal(Body):
    """What the campaign is to achieve, within so many days from its launch."""

    model_config = example(metric="redemptions", target=200, window_days=7)

    metric: Literal["orders", "redemptions", "visits", "clicks"]
    target: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
    window_days: Annotated[int, Field(strict=True, ge=1, le=365)]


class StepBody(Body):
    """A word to go with the step."""

    model_config = example(note="価格を確認してください。")

    note: Note | None = None


class ReturnBody(Body):
    """Why it is sent back."""

    model_config = example(note="価格を確認してください。")

    note: Note


class StepRead(Read):
    """A step in a campaign's life. Of head office's campaigns a store does not see who took it, nor the note."""

    kind: StepKind
    taken_by: Annotated[
        str | None, Field(description="The id of the client, key or person; null: the clock.", examples=[None])
    ]
    note: Annotated[str | None, Field(examples=["価格を確認してください。"])]
    created_at: Instant


class TestSend(Body):
    """Who gets a test, and of which content."""

    model_config = example(customer_ids=["cus_01h455vb4pex5vsknk084sn02q"])

    customer_ids: Annotated[list[CustomerId], Field(min_length=1, max_length=20)]
    variant: Annotated[Name | None, Field(description="Which of an experiment's contents.", examples=[None])] = None


class TestedPerson(Read):
    """A tester, and from which account she gets it; or why she does not."""

    customer_id: CustomerId
    line_account_id: LineAccountId | None
    reason: Annotated[str | None, Field(examples=["no_friend"])]


class TestSendRead(Read):
    """A test that is being sent."""

    run_id: RunId
    chosen: Count
    people: list[TestedPerson]
    has_samples: Annotated[
        bool, Field(description="Whether samples stand for a coupon's code and its end: nobody is given a copy.")
    ]


class CampaignCopy(Body):
    """What is other about the copy."""

    model_config = example(audience="not_reached")

    name: Annotated[Name | None, Field(description="The same, unless one is given.")] = None
    store_id: Annotated[StoreId | None, Field(description="Whose it is to be, if not the same owner's.")] = None
    audience: Annotated[
        Literal["same", "not_reached"],
        Field(
            description="`not_reached`: a list of those whom it left out since the quota did not suffice or it was"
            " stopped; this needs `customers:write` too."
        ),
    ] = "same"


class CalendarEntry(Read):
    """A campaign on its day."""

    campaign_id: CampaignId
    name: str
    status: Literal["scheduled", "sending", "paused", "sent"]
    at: Annotated[Instant, Field(description="When it goes, or began to go.")]
    store_id: StoreId | None
    line_account_ids: Annotated[list[LineAccountId], Field(description="The accounts that may speak in it.")]


class Clash(Read):
    """Campaigns that get into each other's way."""

    kind: Annotated[
        Literal["same_day", "cap"],
        Field(
            description="`same_day`: they go from the same accounts on one day. `cap`: more of them come within `days`"
            " than the `messages` that a cap lets through to one person."
        ),
    ]
    campaign_ids: list[CampaignId]
    line_account_ids: list[LineAccountId]
    messages: Annotated[int | None, Field(examples=[2])]
    days: Annotated[int | None, Field(examples=[7])]


class CalendarDay(Read):
    """What goes on a day of the brand's calendar."""

    on: LocalDate
    entries: list[CalendarEntry]
    clashes: list[Clash]


class CalendarRead(Read):
    """A calendar: the days on which anything goes."""

    model_config = ConfigDict(from_attributes=True, serialize_by_alias=True, populate_by_name=True)

    from_: Annotated[LocalDate, Field(alias="from")]
    to: LocalDate
    items: list[CalendarDay]
