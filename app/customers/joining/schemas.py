"""Merges and conflicts as they cross the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.customers.schemas import CustomerRead
from app.schemas import Body, CustomerConflictId, CustomerId, CustomerMergeId, Instant, Read, example


class MergeCreate(Body):
    """Two customers who are one person. Ids of people who were merged stand for their survivors."""

    model_config = example(**{"from": "cus_01h455vb4pex5vsknk084sn02r", "into": "cus_01h455vb4pex5vsknk084sn02q"})

    from_id: Annotated[CustomerId, Field(alias="from", description="Whose record ends; her id goes on working.")]
    into_id: Annotated[CustomerId, Field(alias="into", description="Who stands for both from now on.")]


class CustomerMergeRead(Read):
    """That two customers are one person, and on what proof."""

    id: CustomerMergeId
    from_customer_id: CustomerId
    into_customer_id: CustomerId
    source: Annotated[str, Field(description="What showed it: `api`, `line_login`, `liff`, `account_link`, `import`.")]
    proof: Annotated[dict[str, Any], Field(description="What it was shown by, as far as that was noted.")]
    merged_at: Instant
    merged_by: str | None
    undone_at: Instant | None
    undone_by: str | None
    customer: Annotated[
        CustomerRead | None, Field(description="`into_customer_id` as she stands now; null once she was erased.")
    ]


class CustomerConflictRead(Read):
    """Keys that name several people: for somebody to decide."""

    id: CustomerConflictId
    customer_ids: list[CustomerId]
    keys: Annotated[list[str], Field(description="The names of the keys that disagree, such as `phone`.")]
    source: Annotated[str, Field(description="Where it was seen first, such as `api`, `account_link` or `import`.")]
    first_seen_at: Instant
    last_seen_at: Instant
    seen_count: int
    resolved_at: Instant | None
    resolution: Literal["merged", "dismissed", "gone"] | None
