"""Preferences as they cross the wire."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from app.schemas import Body, CustomerId, Instant, Read, StoreId, example

WantedClock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])]


class WantedHours(Body):
    """Only within these hours of the brand's day; they may pass midnight."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True) | example(
        **{"from": "09:00", "to": "21:00"}
    )

    from_: Annotated[WantedClock, Field(alias="from")]
    to: WantedClock

    @model_validator(mode="after")
    def _lasts(self) -> "WantedHours":
        if self.from_ == self.to:
            raise ValueError("must not begin when they end; give null for any hour")
        return self


class PreferencesPut(Body):
    """How she wants to be written to, in place of what stood: what is left out is as if she had never said it."""

    model_config = example(
        paused_until=None,
        muted_store_ids=["store_01h455vb4pex5vsknk084sn02q"],
        hours={"from": "09:00", "to": "21:00"},
    )

    paused_until: Annotated[
        Instant | None, Field(description="Until then nothing is sent to her but answers; null: no pause.")
    ] = None
    muted_store_ids: Annotated[
        list[StoreId],
        Field(max_length=1_000, description="Stores from which she wants to hear nothing; a store names its own only."),
    ] = []  # noqa: RUF012  pydantic copies it
    hours: WantedHours | None = None


class PreferencesRead(Read):
    """How she wants to be written to. All of it is obeyed."""

    customer_id: CustomerId
    paused_until: Annotated[Instant | None, Field(description="Null once it is over.")]
    muted_store_ids: Annotated[list[StoreId], Field(description="Those that the caller sees.")]
    hours: WantedHours | None
