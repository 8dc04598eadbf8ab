"""Experiments on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import Body, Instant, OneLine, Read, example

VariantName = Annotated[OneLine, Field(max_length=50)]
Metric = Literal["clicks", "redemptions"]


class VariantBody(Body):
    """One of several contents, and how many of those who are tested get it."""

    model_config = example(name="A", messages=[{"type": "text", "text": "本日、温かいお茶をどうぞ。"}])

    name: VariantName
    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=5)]
    share: Annotated[
        float | None,
        Field(
            strict=True, gt=0, lt=1, description="Of those who are tested. All variants have one, which add up to 1, or"
            " none, and each gets as many.",
        ),
    ] = None  # fmt: skip


class ExperimentBody(Body):
    """Which variant is best is found out with some; the others wait, and get that one."""

    model_config = example(share=0.2, metric="clicks", decide_after_minutes=120)

    share: Annotated[float, Field(strict=True, ge=0.01, le=0.9, description="Of those chosen, who are tested.")]
    metric: Annotated[
        Metric, Field(description="What counts: people who tapped a tracked link, or who used the campaign's coupon.")
    ]
    decide_after_minutes: Annotated[int, Field(strict=True, ge=1, le=43_200)]


class Decide(Body):
    """Which variant those who wait get."""

    model_config = example(variant="A")

    variant: VariantName


class VariantResult(Read):
    """What came of one variant among those who were tested."""

    name: str
    people: Annotated[int, Field(description="Whom LINE took the message for.")]
    events: Annotated[int, Field(description="How many of them did what counts; taps, where readers are not known.")]
    ratio: float


class ExperimentRead(Read):
    """What a run's experiment has come to."""

    metric: Metric
    decide_at: Instant
    decided_at: Instant | None
    decided_by: Annotated[
        Literal["metric", "no_difference", "hand"] | None,
        Field(
            description="`metric`: the winner is clearly better than every other. `no_difference`: too few or too alike"
            " to tell, so the highest ratio was taken, or the first. `hand`: somebody chose.",
            examples=["metric"],
        ),
    ]
    winner: Annotated[str | None, Field(description="The variant's name.", examples=["A"])]
    waiting: Annotated[int, Field(description="People who wait for the decision.")]
    variants: list[VariantResult]
