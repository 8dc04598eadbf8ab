"""Declared attributes as they cross the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.schemas import Body, CustomerAttributeId, Instant, Name, NotNull, OneLine, Read, example

AttributeName = Annotated[
    str,
    Field(
        max_length=64,
        pattern=r"^[^\s.\x00-\x1f\x7f-\x9f\ufeff]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f\ufeff])?$",
        description="Its name in `attributes`; it stays. Rules of segments ask for `attribute.` and this name.",
    ),
]
AttributeType = Annotated[
    Literal["text", "number", "boolean", "date", "choice"],
    Field(description="`date` is a text such as 2026-04-01; `choice` one of `choices`."),
]
Label = Annotated[Name, Field(max_length=100, description="What people call it.")]


def _no_twins(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise ValueError("must not name a choice twice")
    return value


Choices = Annotated[
    list[Annotated[OneLine, Field(max_length=100)]],
    Field(min_length=1, max_length=200, description="Of a `choice` only: the texts that it may be."),
    AfterValidator(_no_twins),
]


class CustomerAttributeCreate(Body):
    """A field of your own that customers have, and the type that its values must have from now on."""

    model_config = example(name="favourite_noodle", label="好きな麺", type="choice", choices=["ramen", "udon", "soba"])

    name: AttributeName
    label: Label | None = None
    type: AttributeType
    choices: Choices | None = None


class CustomerAttributeUpdate(Body):
    """What may change; a type only where every value that is there fits it."""

    model_config = example(label="好きな麺類")

    label: Label | None = None
    type: Annotated[AttributeType | None, NotNull()] = None
    choices: Choices | None = None


class CustomerAttributeRead(Read):
    """A field of the brand's own."""

    id: CustomerAttributeId
    name: str
    label: str | None
    type: str = Field(description="`text`, `number`, `boolean`, `date` or `choice`.", examples=["choice"])
    choices: list[str] | None
    created_at: Instant
