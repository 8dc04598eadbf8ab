"""Safety stops as they cross the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import Body, Instant, OneLine, Read, SafetyStopId, StoreId, example


class WarningRead(Read):
    """One of JMA's warnings over a store."""

    code: Annotated[str, Field(description="JMA's code of two digits; `flood` of a river's forecast.")]
    phenomenon: Annotated[str, Field(description="Such as `rain`, `landslide`, `surge`, `storm`, `snow`.")]
    tier: Literal["advisory", "warning", "danger", "emergency"]
    issued_at: Annotated[Instant, Field(description="When the report was issued.")]


class SafetyStopRead(Read):
    """What keeps invitations to a store back, and why."""

    id: SafetyStopId
    store_id: StoreId
    kind: Annotated[
        Literal["stop", "hold", "weather"],
        Field(
            description="`stop`: nobody is invited, and what waited is cancelled. `hold`: it is not known what is in"
            " force, and what invites waits until it is. `weather`: only weather rules are held."
        ),
    ]
    cause: str
    area_code: Annotated[
        str | None, Field(description="JMA's area that is looked at: a class20, or a class10 where that is not known.")
    ]
    warnings: Annotated[list[WarningRead], Field(description="What was in force when it was last known.")]
    source: str | None
    checked_at: Annotated[Instant | None, Field(description="As of when that is known, by the feed's own clock.")]
    clean_at: Annotated[
        Instant | None,
        Field(description="Since when nothing is in force any more; half an hour later a stop ends by itself."),
    ]
    since: Instant
    ended_at: Annotated[Instant | None, Field(description="Null while it stands.")]
    ended_by: Annotated[Literal["rule", "person"] | None, Field(description="Who let invitations go out again.")]
    ended_reason: str | None


class SafetyStopResume(Body):
    """Why people are invited again although a warning stands, or is not known to be lifted."""

    model_config = example(reason="地下街の店舗で、通常どおり営業しています。")

    reason: Annotated[OneLine, Field(max_length=500)]
