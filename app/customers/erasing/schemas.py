"""What crosses the wire about erasures and how long data is kept."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import Body, CustomerId, ErasureReceiptId, Instant, Read


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


class Retention(Body):
    """For how many days each kind of data is kept; every night what is older goes."""

    line_events_days: Annotated[
        int, Field(strict=True, ge=7, le=3_650, description="What LINE told, as it came. The ids of the events stay.")
    ] = 90
    messages_days: Annotated[
        int,
        Field(
            strict=True,
            ge=30,
            le=3_650,
            description="The words of messages, hers and the answers; that they came stays.",
        ),
    ] = 730
    profiles_after_block_days: Annotated[
        int,
        Field(strict=True, ge=1, le=3_650, description="LINE name and picture of who follows no account any more."),
    ] = 180
    profiles_after_missing_days: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=3_650,
            description="All that LINE told of who is not known to LINE any more, at any account she followed.",
        ),
    ] = 30
    scans_days: Annotated[
        int, Field(strict=True, ge=2, le=3_650, description="Who scanned a QR code; how many did stays.")
    ] = 365
