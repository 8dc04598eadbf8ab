"""What crosses the wire about erasures and how long data is kept."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import CustomerId, ErasureReceiptId, Instant, Read


class CustomerErased(Read):
    """That a person's data is gone."""

    id: CustomerId
    erased_at: Instant
    receipt_id: ErasureReceiptId


class ErasureRead(Read):
    """What is left of an erasure: when, why and how much; nothing of the person."""

    id: ErasureReceiptId
    customer_id: CustomerId
    reason: Annotated[
        Literal["asked", "retention", "line"],
        Field(
            description="`asked`: somebody had her erased, all of her. `retention`: she has followed no account for"
            " so long that her LINE profile went. `line`: LINE knows her no more, and what LINE told of her went."
        ),
    ]
    asked_by: Annotated[str | None, Field(description="The credential that asked for it.", examples=["本部"])]
    erased_at: Instant
    counts: Annotated[
        dict[str, int],
        Field(
            description="How many rows were emptied or deleted, by table.", examples=[{"customer": 1, "identity": 2}]
        ),
    ]
