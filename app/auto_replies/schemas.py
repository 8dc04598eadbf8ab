"""Auto-replies as they cross the wire."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from app.schemas import (
    AutoReplyId,
    Body,
    CouponId,
    Instant,
    LineAccountId,
    Name,
    NotNull,
    OneLine,
    Read,
    WeatherRuleId,
    example,
)

Status = Literal["live", "paused"]
Match = Annotated[
    Literal["exact", "contains"],
    Field(
        description="`exact`: the keyword is all that she wrote; `contains`: it stands anywhere in it. Width, capitals,"
        " and hiragana or katakana make no difference."
    ),
]
Keyword = Annotated[OneLine, Field(max_length=100, examples=["雨"])]
PostbackData = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00\ue000\ue001]+$",
        description="The `data` of a postback action, as a button or a rich menu has it; compared exactly.",
        examples=["action=rain-coupon"],
    ),
]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["11:00"])]
Messages = Annotated[
    list[dict[str, Any]],
    Field(
        min_length=1,
        max_length=5,
        description="LINE message objects. They can name the customer, the store, the brand, and with a coupon its"
        " name, code, end and address.",
    ),
]
Otherwise = Annotated[
    Messages | None,
    Field(
        description="What is said where there is no copy for her, or the weather rule does not hold; names no coupon."
        " Needed with a coupon or a weather rule."
    ),
]
LineAccountIds = Annotated[
    list[LineAccountId] | None,
    Field(min_length=1, max_length=1_000, description="Where it answers; null: at every account of the brand."),
]
Priority = Annotated[
    int, Field(strict=True, ge=-1_000, le=1_000, description="Of several that match, the highest answers.")
]
Coupon = Annotated[
    CouponId | None,
    Field(description="Who asks is given a copy, the same one all day; with a weather rule, null means the rule's."),
]
WeatherRule = Annotated[
    WeatherRuleId | None,
    Field(description="`messages` answer only while this rule of head office's is on for her store today."),
]


class ReplyTrigger(Body):
    """What it answers: words that she writes, data that she taps, or either."""

    keywords: list[Keyword] = Field(default_factory=list, max_length=50)
    match: Match = "exact"
    postbacks: list[PostbackData] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _waits_for_something(self) -> "ReplyTrigger":
        if not self.keywords and not self.postbacks:
            raise ValueError("must name keywords or postbacks")
        return self


class Hours(Body):
    """When it answers, by the clock of the brand; they may pass midnight."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    from_: Annotated[Clock, Field(alias="from")]
    to: Clock

    @model_validator(mode="after")
    def _last(self) -> "Hours":
        if self.from_ == self.to:
            raise ValueError("must not begin when they end; give null for always")
        return self


class AutoReplyCreate(Body):
    """A new auto-reply."""

    model_config = example(
        name="雨の日クーポン",
        trigger={"keywords": ["雨", "雨クーポン"], "match": "exact", "postbacks": ["action=rain-coupon"]},
        messages=[{"type": "text", "text": "本日の雨の日クーポンです。{{ coupon.url }}"}],
        otherwise_messages=[{"type": "text", "text": "雨の日にまたお声がけください。お待ちしております。"}],
        weather_rule_id="rule_01h455vb4pex5vsknk084sn02q",
    )

    name: Name
    trigger: ReplyTrigger
    line_account_ids: LineAccountIds = None
    hours: Hours | None = None
    messages: Messages
    otherwise_messages: Otherwise = None
    coupon_id: Coupon = None
    weather_rule_id: WeatherRule = None
    priority: Priority = 0
    status: Status = "live"


class AutoReplyUpdate(Body):
    """Changes to an auto-reply. Each member replaces what stands."""

    model_config = example(status="paused")

    name: Annotated[Name | None, NotNull()] = None
    trigger: Annotated[ReplyTrigger | None, NotNull()] = None
    line_account_ids: LineAccountIds = None
    hours: Hours | None = None
    messages: Annotated[Messages | None, NotNull()] = None
    otherwise_messages: Otherwise = None
    coupon_id: Coupon = None
    weather_rule_id: WeatherRule = None
    priority: Annotated[Priority | None, NotNull()] = None
    status: Annotated[Status | None, NotNull()] = None


class AutoReplyRead(Read):
    """Words that answer certain words or taps."""

    id: AutoReplyId
    name: str
    trigger: ReplyTrigger
    line_account_ids: list[LineAccountId] | None
    hours: Hours | None
    messages: list[dict[str, Any]]
    otherwise_messages: list[dict[str, Any]] | None
    coupon_id: CouponId | None
    weather_rule_id: WeatherRuleId | None
    priority: int
    status: Status
    created_at: Instant
