"""The terms of an offer as they cross the wire: how often and how much, at which times, and with which others."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from app.schemas import Body, OneLine, Yen, Yes, example
from tenants.stores import opening_hours


def _is_none(value: object) -> bool:
    return value is None


def unless_null(**options: Any) -> Any:
    """A field that is left out of the answer where it says nothing."""
    return Field(default=None, exclude_if=_is_none, **options)


Positive = Annotated[int, Field(strict=True, ge=1, le=2_000_000_000)]
SetName = Annotated[OneLine, Field(max_length=60)]
Sets = Annotated[
    list[SetName],
    Field(
        min_length=1,
        max_length=10,
        description="Names of sets, as you like: coupons that name one of the same go together on one order, also those"
        " that are not `combinable`.",
        examples=[["weekday-lunch"]],
    ),
]
Priority = Annotated[
    int, Field(strict=True, ge=0, le=1_000, description="Coupons with a higher one are shown and proposed first.")
]
Occasion = Annotated[
    Literal["welcome", "birthday"],
    Field(
        description="What makes us give a copy unasked. `welcome`: at a person's first follow of any account of the"
        " brand, once for good; of several such coupons the newest. `birthday`: once a year, on the morning of the day."
    ),
]
WelcomeMessages = Annotated[
    list[dict[str, Any]],
    Field(
        min_length=1,
        max_length=5,
        description="LINE message objects that answer whoever is given it as a welcome, instead of her account's"
        " greeting. They may name the coupon; without them the greeting is sent.",
    ),
]


class Limits(Body):
    """How often and how much. Caps on copies count what is issued, those on use what is redeemed and not reversed.

    A day is the store's business day for uses, and a day of the brand's calendar for copies. An area is each one that
    the store is in: of those the coupon names, or else of all.
    """

    model_config = example(per_customer=1)

    total: Positive | None = unless_null(description="Copies in all.")
    per_customer: Positive | None = unless_null(description="Copies for one customer.")
    issued_per_day: Positive | None = unless_null(description="Copies on one day.")
    issued_per_area: Positive | None = unless_null(description="Copies that came from the stores of one area.")
    issued_per_store: Positive | None = unless_null(
        description="Copies that came from one store: the one that speaks to whom a run gives them, or that gives them"
        " itself. Copies that came from none, such as head office's by API, count for none."
    )
    per_store_per_day: Positive | None = unless_null(description="Uses at one store on one day.")
    redeemed_total: Positive | None = unless_null(description="Uses in all.")
    redeemed_per_area: Positive | None = unless_null(description="Uses at the stores of one area.")
    redeemed_per_store: Positive | None = unless_null(description="Uses at one store.")
    redeemed_per_day: Positive | None = unless_null(description="Uses on one day, at all stores together.")
    redeemed_per_customer: Positive | None = unless_null(description="Uses by one customer.")
    budget_yen: Yen | None = unless_null(description="What it may cost in all.")
    yen_per_area: Yen | None = unless_null(description="What it may cost at the stores of one area.")
    yen_per_store: Yen | None = unless_null(description="What it may cost at one store.")
    yen_per_day: Yen | None = unless_null(description="What it may cost on one day, at all stores together.")
    yen_per_store_per_day: Yen | None = unless_null(description="What it may cost at one store on one day.")
    yen_per_customer: Yen | None = unless_null(description="What it may cost for one customer.")
    reserve: Yes | None = unless_null(
        description="Whether each copy sets the most that it can cost aside from `budget_yen` when it is issued, so"
        " that nobody holds a copy for which no money is left. It comes back when the copy is void, and 72 hours after"
        " its end what it did not cost. Cannot change once copies are issued."
    )


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class CouponTimes(Body):
    """The times at which a copy is used, within its validity. What is left out does not narrow them."""

    model_config = example(weekdays=["mon", "tue", "wed"], hours=[["14:00", "17:00"]])

    within_opening_hours: Yes | None = unless_null(description="Only while the store is open.")
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7)] | None = unless_null(
        description="Only on these days; what lies past midnight belongs to the business day before."
    )
    hours: (
        Annotated[
            list[Annotated[list[str], Field(min_length=2, max_length=2)]],
            Field(min_length=1, max_length=opening_hours.MAX_INTERVALS),
        ]
        | None
    ) = unless_null(description='Only from and to these times of the clock, such as `[["22:00", "26:00"]]`.')

    @model_validator(mode="after")
    def _says_something(self) -> "CouponTimes":
        if self.within_opening_hours is None and self.weekdays is None and self.hours is None:
            raise ValueError("must name hours, weekdays or within_opening_hours")
        if self.hours is not None and opening_hours.list_errors({"mon": self.hours}):
            raise ValueError('must have hours in order such as [["14:00", "17:00"]], the latest until "30:00"')
        if self.weekdays is not None and len(set(self.weekdays)) < len(self.weekdays):
            raise ValueError("must name each weekday once")
        return self
