"""Lists of customers on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from app.schemas import (
    Body,
    CampaignId,
    Count,
    CustomerId,
    CustomerListId,
    Instant,
    Name,
    NotNull,
    Read,
    StoreId,
    example,
)

MOST_AT_ONCE = 1000
Reason = Literal["no_friend", "cap", "quiet_hours", "consent", "holdout", "quota", "duplicate", "stopped"]
Description = Annotated[str, Field(max_length=2000)]
Key = Annotated[str, Field(min_length=1, max_length=200)]


class NotReached(Body):
    """Whom a campaign's run left out, and got its message from no account of it."""

    model_config = example(campaign_id="cmp_01h455vb4pex5vsknk084sn02q", reasons=["quota"])

    campaign_id: CampaignId
    reasons: Annotated[list[Reason], Field(min_length=1, max_length=8)]


class CustomerListCreate(Body):
    """A new list, empty or of those whom a campaign did not reach."""

    model_config = example(name="開店記念の招待客", description="商店会の名簿から")

    name: Name
    description: Description | None = None
    store_id: Annotated[StoreId | None, Field(description="The store that owns it; null is the brand.")] = None
    from_: Annotated[NotReached | None, Field(alias="from", description="Who is on it at first.")] = None


class CustomerListPatch(Body):
    """What may change of a list itself."""

    model_config = example(name="開店記念の招待客(2回目)")

    name: Annotated[Name | None, NotNull()] = None
    description: Description | None = None


class CustomerListRead(Read):
    """A list of customers."""

    id: CustomerListId
    name: str
    description: str | None
    store_id: StoreId | None
    customers: Annotated[Count, Field(description="People on it whom you may see.")]
    created_at: Instant
    archived_at: Instant | None


class MemberKey(Body):
    """A customer, by exactly one of these."""

    model_config = example(external_id="EC-10021")

    customer_id: CustomerId | None = None
    external_id: Key | None = None
    member_number: Key | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "MemberKey":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("give exactly one of customer_id, external_id and member_number")
        return self


class MembersAdd(Body):
    """People to put on a list."""

    model_config = example(items=[{"external_id": "EC-10021"}, {"member_number": "M-000123"}])

    items: Annotated[list[MemberKey], Field(min_length=1, max_length=MOST_AT_ONCE)]


class MemberItem(Read):
    """What became of one of them: 201 put on the list, 200 was on it, 404 nobody whom you see, 409 several people."""

    index: Count
    status: int
    id: CustomerId | None
    problem: dict[str, Any] | None


class MembersRead(Read):
    """One item for each, in the order in which they were named."""

    items: list[MemberItem]


class MemberRead(Read):
    """A person on a list."""

    customer_id: CustomerId
    added_at: Instant
