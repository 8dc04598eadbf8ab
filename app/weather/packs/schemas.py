"""Rule packs on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import Body, CouponId, Flag, LocalDate, Read, StoreId, example
from app.weather.packs.occasions import Code
from app.weather.schemas import AreaIds, StoreIds, WeatherRuleRead


class PackRuleRead(Read):
    """A rule of a pack, as it would be imported."""

    code: Code
    name: Annotated[str, Field(examples=["雨のお昼"])]
    name_en: Annotated[str, Field(examples=["Rain at lunch"])]
    condition: dict[str, Any]
    off_condition: dict[str, Any] | None
    decide_times: list[str]
    cooldown_days: int
    priority: int
    approval: Literal["none", "before_send"]
    holdout_ratio: float
    messages: list[dict[str, Any]]
    needs: Annotated[
        list[str],
        Field(description="What it reads beside JMA's forecast: `observed`, `past` (the day before), `hourly`."),
    ]
    note_en: Annotated[str, Field(description="When it is decided, how often it fires, and what to mind.")]


class PackRead(Read):
    """Rules for a kind of shop."""

    code: Annotated[str, Field(examples=["cafe"])]
    name: Annotated[str, Field(examples=["カフェ・喫茶店"])]
    name_en: str
    note_en: str
    attribution: Annotated[str, Field(description="Stands in every message that quotes JMA; leave it there.")]
    rules: list[PackRuleRead]


class PackImport(Body):
    """Which rules of a pack to make, and for which stores. A store key makes them for its store."""

    model_config = example(all_stores=True, rules=["rain-at-lunch", "sudden-cold"])

    rules: Annotated[list[Code] | None, Field(min_length=1, max_length=20, description="Null: all of the pack.")] = None
    all_stores: Flag = False
    store_ids: StoreIds | None = None
    area_ids: AreaIds | None = None
    coupon_id: Annotated[
        CouponId | None, Field(description="Goes with every rule; a second message then shows its code.")
    ] = None
    store_id: StoreId | None = None


class ExpectedFires(Read):
    """How often a rule would have fired at your stores, played over the forecasts that are kept."""

    per_store_year: Annotated[
        float | None, Field(description="Days a year, of those on which it could be told; null: it cannot be told.")
    ]
    first_on: LocalDate | None
    last_on: LocalDate | None
    stores: Annotated[int, Field(description="Stores it was played for: one of each district, at most six.")]
    detail: Annotated[str | None, Field(description="Why it cannot be told.")]


class ImportedRule(Read):
    """A draft that was made of a pack's rule."""

    code: Code
    rule: WeatherRuleRead
    expected_fires: ExpectedFires


class PackImportRead(Read):
    """The drafts that were made; none decides before it is `live`."""

    items: list[ImportedRule]
