"""Forecasts, rules and decisions on the wire."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from app.schemas import (
    AreaId,
    Body,
    CouponId,
    Flag,
    Instant,
    LocalDate,
    Name,
    NotNull,
    Read,
    RunId,
    SegmentId,
    StoreId,
    WeatherDecisionId,
    WeatherRuleId,
    Yen,
    example,
)
from app.weather.decisions import MAX_COOLDOWN_DAYS
from app.weather.rules import Reason

Clock = Annotated[str, Field(pattern=r"^([0-2][0-9]:[0-5][0-9]|30:00)$", examples=["11:15"])]
Status = Literal["draft", "live", "paused"]
Approval = Literal["none", "before_send"]
PollenLevel = Literal["low", "medium", "high", "very_high"]
Condition = Annotated[
    dict[str, Any],
    Field(
        examples=[
            {
                "any": [
                    {
                        "reading": "precipitation_probability",
                        "in": {"from": "11:00", "to": "17:00"},
                        "op": ">=",
                        "value": 60,
                    },
                    {"reading": "temperature_max", "op": ">=", "value": 33},
                ]
            }
        ]
    ),
]
Window = Annotated[dict[str, Any], Field(examples=[{"from": "11:00", "to": "17:00"}])]
Messages = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=5)]
FallbackMessages = Annotated[
    list[dict[str, Any]],
    Field(
        min_length=1,
        max_length=5,
        description="What those get instead for whom no copy of the coupon is left, by its caps on copies or what it"
        " sets aside; without them they get nothing. They name nothing of the coupon but its name.",
    ),
]
DecideTimes = Annotated[list[Clock], Field(min_length=1, max_length=24)]
StoreIds = Annotated[list[StoreId], Field(max_length=10_000)]
AreaIds = Annotated[list[AreaId], Field(max_length=1_000)]
Priority = Annotated[int, Field(strict=True, ge=-1000, le=1000)]
CooldownDays = Annotated[int, Field(strict=True, ge=0, le=MAX_COOLDOWN_DAYS)]
MaxAge = Annotated[int, Field(strict=True, ge=1, le=24 * 60)]
Holdout = Annotated[float, Field(strict=True, ge=0, le=0.9)]
BlackoutDates = Annotated[list[LocalDate], Field(max_length=400)]


class RuleAudience(Body):
    """Whom to write to among the friends of the stores where the rule fires. Empty: all of them."""

    segment_id: SegmentId | None = None
    rule: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> "RuleAudience":
        if self.segment_id is not None and self.rule is not None:
            raise ValueError("give segment_id or rule, not both")
        return self


class WeatherRuleCreate(Body):
    """A weather rule to be; it decides once it is `live`."""

    model_config = example(
        name="雨のお昼",
        condition={
            "reading": "precipitation_probability",
            "in": {"from": "11:00", "to": "17:00"},
            "op": ">=",
            "value": 60,
        },
        decide_times=["10:30"],
        all_stores=True,
        messages=[{"type": "text", "text": "雨の日は、あたたかい一杯を。"}],
        holdout_ratio=0.2,
    )

    name: Name
    status: Status = "draft"
    condition: Condition
    off_condition: Condition | None = None
    window: Window | None = None
    decide_times: DecideTimes = Field(default_factory=lambda: ["11:15"])
    all_stores: Flag = False
    store_ids: StoreIds | None = None
    area_ids: AreaIds | None = None
    coupon_id: CouponId | None = None
    messages: Messages
    fallback_messages: FallbackMessages | None = None
    audience: RuleAudience | None = None
    priority: Priority = 0
    cooldown_days: CooldownDays = 0
    max_age_minutes: MaxAge | None = None
    holdout_ratio: Holdout = 0.0
    budget_yen: Yen | None = None
    approval: Approval = "none"
    late_until: Clock | None = None
    season_confirmed_on: LocalDate | None = None
    blackout_on: BlackoutDates = Field(default_factory=list)
    store_id: StoreId | None = None


class WeatherRulePatch(Body):
    """What to change. Null clears a member that may be empty."""

    model_config = example(name="雨の夕方", cooldown_days=3)

    name: Annotated[Name | None, NotNull()] = None
    status: Annotated[Status | None, NotNull()] = None
    condition: Annotated[Condition | None, NotNull()] = None
    off_condition: Condition | None = None
    window: Window | None = None
    decide_times: Annotated[DecideTimes | None, NotNull()] = None
    all_stores: Annotated[Flag | None, NotNull()] = None
    store_ids: Annotated[StoreIds | None, NotNull()] = None
    area_ids: Annotated[AreaIds | None, NotNull()] = None
    coupon_id: CouponId | None = None
    messages: Annotated[Messages | None, NotNull()] = None
    fallback_messages: FallbackMessages | None = None
    audience: RuleAudience | None = None
    priority: Annotated[Priority | None, NotNull()] = None
    cooldown_days: Annotated[CooldownDays | None, NotNull()] = None
    max_age_minutes: MaxAge | None = None
    holdout_ratio: Annotated[Holdout | None, NotNull()] = None
    budget_yen: Yen | None = None
    approval: Annotated[Approval | None, NotNull()] = None
    late_until: Clock | None = None
    season_confirmed_on: LocalDate | None = None
    blackout_on: Annotated[BlackoutDates | None, NotNull()] = None


class WeatherRuleRead(Read):
    """A weather rule."""

    id: WeatherRuleId
    name: str
    status: Status
    condition: dict[str, Any]
    off_condition: dict[str, Any] | None
    window: dict[str, Any] | None
    decide_times: list[str]
    all_stores: bool
    store_ids: list[StoreId]
    area_ids: list[AreaId]
    coupon_id: CouponId | None
    messages: list[dict[str, Any]]
    fallback_messages: Annotated[
        list[dict[str, Any]] | None, Field(description="What those get for whom no copy of the coupon is left.")
    ]
    audience: RuleAudience | None
    priority: int
    cooldown_days: int
    max_age_minutes: int | None
    holdout_ratio: float
    budget_yen: int | None
    approval: Approval
    late_until: str | None
    season_confirmed_on: date | None
    blackout_on: list[date]
    store_id: StoreId | None
    created_at: Instant


class ReadingRead(Read):
    """One value that a decision used. `gap` says what is missing; a value that settles nothing is null."""

    reading: str
    value: int | float | str | None
    source: str | None
    issued_at: Instant | None
    age_seconds: int | None
    gap: str | None
    op: str
    compared_with: int | float | str | list[int | float | str]
    holds: bool | None
    versus: str | None = None
    for_days: int | None = None
    detail: str | None = None


class EvaluationRead(Read):
    """What a rule would conclude for a store now."""

    rule_id: WeatherRuleId
    store_id: StoreId
    business_on: date
    decided_at: Instant
    fired: bool
    reason: Reason
    detail: str
    readings: list[ReadingRead]


class EvaluationsRead(Read):
    """What a rule would conclude now for each of its stores; nothing was changed."""

    items: list[EvaluationRead]


class WeatherDecisionRead(EvaluationRead):
    """What a rule concluded for a store on a business day, and why."""

    id: WeatherDecisionId
    run_id: RunId | None
    outcome: Annotated[
        Literal["cancelled", "false_alarm"] | None,
        Field(
            description="Of a firing that was taken back, since the forecast flipped or a warning came: `cancelled`"
            " before anybody was written to, or `false_alarm`. Null while it stands."
        ),
    ]


class WeatherDecisionsRead(Read):
    """What a rule concluded for each store whose firing had waited for approval."""

    items: list[WeatherDecisionRead]


class PollenSpell(Body):
    """How much pollen flies on some dates in an area; without an area, in all of the brand's that have no own."""

    area_id: AreaId | None = None
    from_on: LocalDate
    to_on: LocalDate
    level: PollenLevel

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "PollenSpell":
        if self.to_on < self.from_on:
            raise ValueError("to_on must not be earlier than from_on")
        return self


class PollenPut(Body):
    """All that is said of pollen; what was said before is replaced."""

    model_config = example(items=[{"from_on": "2027-02-10", "to_on": "2027-04-20", "level": "high"}])

    items: Annotated[list[PollenSpell], Field(max_length=500)]


class PollenSpellRead(Read):
    """How much pollen flies on some dates in an area; without an area, in all of the brand's that have no own."""

    area_id: AreaId | None
    from_on: date
    to_on: date
    level: PollenLevel


class PollenRead(Read):
    """All that the brand has said of pollen, in order of the first days."""

    items: list[PollenSpellRead]


class PlaceRead(Read):
    """Where a store's forecast is found in JMA's geography."""

    office: str
    class10: str
    class20: str | None
    station: str | None


class BlockRead(Read):
    """One value of a forecast and the time it is for. A value that is not stated is null, with the gap beside."""

    reading: Literal["precipitation_probability", "temperature_max", "sky"]
    starts_at: Instant
    ends_at: Instant
    value: int | str | None
    unit: Literal["percent", "celsius"] | None
    gap: str | None


class ForecastRead(Read):
    """The newest forecast for a store. `usable` says whether rules may act on it now, `gap` why not."""

    store_id: StoreId
    place: PlaceRead | None
    source: str
    issued_at: Instant | None
    age_seconds: int | None
    checked_at: Instant | None
    usable: bool
    gap: str | None
    attribution: str
    blocks: list[BlockRead]
