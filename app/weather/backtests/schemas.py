"""What is asked of a back-test."""

from typing import Annotated

from pydantic import Field

from app.schemas import Body, CouponId, Flag, LocalDate, NotNull, StoreId, Yen, example
from app.weather.schemas import (
    AreaIds,
    BlackoutDates,
    Clock,
    Condition,
    CooldownDays,
    DecideTimes,
    Holdout,
    MaxAge,
    Priority,
    RuleAudience,
    StoreIds,
    Window,
)


class BacktestRule(Body):
    """What to play otherwise than the rule has it; nothing of it is kept. Null clears a member that may be empty."""

    condition: Annotated[Condition | None, NotNull()] = None
    off_condition: Condition | None = None
    window: Window | None = None
    decide_times: Annotated[DecideTimes | None, NotNull()] = None
    late_until: Clock | None = None
    all_stores: Annotated[Flag | None, NotNull()] = None
    store_ids: Annotated[StoreIds | None, NotNull()] = None
    area_ids: Annotated[AreaIds | None, NotNull()] = None
    coupon_id: CouponId | None = None
    audience: RuleAudience | None = None
    priority: Annotated[Priority | None, NotNull()] = None
    cooldown_days: Annotated[CooldownDays | None, NotNull()] = None
    max_age_minutes: MaxAge | None = None
    holdout_ratio: Annotated[Holdout | None, NotNull()] = None
    budget_yen: Yen | None = None
    season_confirmed_on: LocalDate | None = None
    blackout_on: Annotated[BlackoutDates | None, NotNull()] = None


class BacktestCreate(Body):
    """Which business days to play a rule over, and what to change in it for that."""

    model_config = example(
        **{"from": "2023-01-01", "to": "2023-12-31", "rule": {"decide_times": ["10:30"], "cooldown_days": 3}}
    )

    from_: Annotated[LocalDate, Field(alias="from", description="The first business day.")]
    to: Annotated[LocalDate, Field(description="The last business day, today at the latest.")]
    rule: BacktestRule | None = None
    store_id: Annotated[
        StoreId | None,
        Field(
            description="One store alone, as it sees things. A key of several stores has to name one, that of a single"
            " store plays for its own."
        ),
    ] = None
