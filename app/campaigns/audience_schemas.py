"""Audiences on the wire."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from app.schemas import AreaId, Body, CampaignId, CustomerListId, LineAccountId, SegmentId, StoreId, example

ListIds = Annotated[list[CustomerListId], Field(max_length=20)]


class ExcludeBody(Body):
    """Whom to leave out of it all: they are no part of the audience."""

    model_config = example(campaign_ids=["cmp_01h455vb4pex5vsknk084sn02q"])

    segment_id: SegmentId | None = None
    rule: dict[str, Any] | None = None
    list_ids: Annotated[ListIds | None, Field(description="Who is on one of these.")] = None
    campaign_ids: Annotated[
        list[CampaignId] | None,
        Field(max_length=20, description="Who got a message of one of these, or is about to."),
    ] = None

    @model_validator(mode="after")
    def _one_rule(self) -> "ExcludeBody":
        if self.segment_id is not None and self.rule is not None:
            raise ValueError("give segment_id or rule, not both")
        return self


class AudienceBody(Body):
    """Whom to write to: a segment or a rule, narrowed to lists, trade zones, areas, stores or accounts. Empty:
    everybody."""

    model_config = example(rule={"field": "order_count", "op": ">=", "value": 3})

    segment_id: SegmentId | None = None
    rule: dict[str, Any] | None = None
    list_ids: Annotated[ListIds | None, Field(description="Who is on at least one of these.")] = None
    trade_zone_area_ids: Annotated[
        list[AreaId] | None,
        Field(max_length=100, description="Who lives in the trade zone of one of these, or has her home store there."),
    ] = None
    area_ids: Annotated[list[AreaId], Field(max_length=1000)] | None = None
    store_ids: Annotated[list[StoreId], Field(max_length=10_000)] | None = None
    line_account_ids: Annotated[list[LineAccountId], Field(max_length=10_000)] | None = None
    exclude: ExcludeBody | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> "AudienceBody":
        if self.segment_id is not None and self.rule is not None:
            raise ValueError("give segment_id or rule, not both")
        return self
