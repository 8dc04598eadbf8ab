"""What crosses the wire about the brand."""

from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from app.admin.patches import absent
from app.callers import CallerKind
from app.customers.erasing.schemas import Retention
from app.schemas import Body, BrandId, Flag, Instant, LocalDate, Name, OneLine, Read, StoreId, example


@cache
def _zones() -> set[str]:
    return available_timezones()


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone of the IANA database, such as Asia/Tokyo")
    return name


Timezone = Annotated[str, Field(max_length=60, examples=["Asia/Tokyo"]), AfterValidator(_known_zone)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["21:00"])]
SenderPolicy = Literal["home_store", "last_visited", "nearest", "most_quota", "fixed_order", "all_accounts"]
CampaignApproval = Annotated[
    Literal["none", "stores"],
    Field(description="`stores`: what stores draft is launched after head office has approved it."),
]

LocationReply = Annotated[
    Flag, Field(description="Whether who sends her place in LINE is answered with the stores nearest to it.")
]


class Cap(Body):
    """At most so many messages to one person within so many days."""

    messages: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    days: Annotated[int, Field(strict=True, ge=1, le=365)]


class Caps(Body):
    """How often people are written to, over all accounts."""

    per_customer: Annotated[list[Cap], Field(max_length=10, default_factory=list)]


class QuietHours(Body):
    """When nothing is sent, in the brand's time; it may pass midnight."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    from_: Annotated[Clock, Field(alias="from")]
    to: Clock

    @model_validator(mode="after")
    def _lasts(self) -> "QuietHours":
        if self.from_ == self.to:
            raise ValueError("must not begin when they end; give null for none")
        return self


class Holidays(Body):
    """Days on which nothing is sent."""

    on: Annotated[list[LocalDate], Field(max_length=400, default_factory=list, examples=[["2026-12-31"]])]
    national: Annotated[Flag, Field(description="Japan's holidays and their substitutes too.")] = False


class BrandPatch(Body):
    """Changes to the brand. `caps`, `quiet_hours`, `holidays` and `retention` are merged into what stands; null empties
    them, and of `retention` and its members it means what holds for everybody."""

    model_config = example(name="のれん食堂", caps={"per_customer": [{"messages": 2, "days": 7}]})

    name: Name = Field(default_factory=absent)
    timezone: Timezone = Field(default_factory=absent)
    caps: dict[str, Any] | None = Field(default=None, examples=[{"per_customer": [{"messages": 2, "days": 7}]}])
    quiet_hours: dict[str, Any] | None = Field(default=None, examples=[{"from": "21:00", "to": "09:00"}])
    holidays: dict[str, Any] | None = Field(default=None, examples=[{"on": ["2026-12-31"], "national": True}])
    retention: dict[str, Any] | None = Field(default=None, examples=[{"line_events_days": 30}])
    sender_policy: SenderPolicy = Field(default_factory=absent)
    campaign_approval: CampaignApproval = Field(default_factory=absent)
    location_reply: LocationReply = Field(default_factory=absent)
    joining_basis: Literal["provider_page", "consent"] | None = Field(
        default=None,
        description="Why people may be joined over several LINE accounts; null: they are not, and each account has "
        "a customer of its own. Once recorded, those who are one LINE user id are joined.",
    )


class StopSending(Body):
    """Why sending is stopped, for those who find it so."""

    model_config = example(reason="クーポンの金額が違っていました。")

    reason: Annotated[OneLine, Field(max_length=500)]


class BrandRead(Read):
    """The brand."""

    id: BrandId
    name: str
    timezone: str
    caps: Caps
    quiet_hours: QuietHours | None
    holidays: Holidays | None
    retention: Retention
    sender_policy: str
    campaign_approval: CampaignApproval
    location_reply: LocationReply
    joining_basis: str | None
    joining_detail: str | None = Field(
        description="Why people are not joined over LINE accounts, in words; null: they are.", examples=[None]
    )
    joining_detail_ja: str | None = Field(description="The same in Japanese.", examples=[None])
    sending_stopped_at: Instant | None = Field(
        description="Since when nothing is sent at any account, by an emergency stop; null: sending.", examples=[None]
    )
    sending_stopped_reason: str | None = Field(examples=[None])
    created_at: Instant


class BrandName(Read):
    """Which brand."""

    id: BrandId
    name: str


class Me(Read):
    """Who calls, and what it may do."""

    kind: CallerKind
    name: str
    brand: BrandName
    stores: Literal["all"] | list[StoreId]
    permissions: list[str]
