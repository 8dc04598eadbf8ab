"""Rollups of events."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from tenants.tables import BrandRow

NOBODY: Final = UUID(int=0)
"""Stands where a figure has no campaign, weather rule or coupon, since keys may not be null."""


class DailyMetric(BrandRow, table=True):
    """The figures of one local day, by everything that reports group by; moved forward by the projector."""

    __table_args__ = (Index("ix_daily_metric_brand_id_store_no", "brand_id", "store_no", "day_on"),)

    day_on: date = Field(primary_key=True)
    store_no: int = Field(default=0, primary_key=True)
    account_no: int = Field(default=0, primary_key=True)
    campaign_id: UUID = Field(default=NOBODY, primary_key=True)
    weather_rule_id: UUID = Field(default=NOBODY, primary_key=True)
    coupon_id: UUID = Field(default=NOBODY, primary_key=True)
    friends: int = Field(default=0, sa_type=BigInteger)
    blocked: int = Field(default=0, sa_type=BigInteger)
    sent: int = Field(default=0, sa_type=BigInteger)
    clicked: int = Field(default=0, sa_type=BigInteger)
    issued: int = Field(default=0, sa_type=BigInteger)
    redeemed: int = Field(default=0, sa_type=BigInteger)
    discount_yen: int = Field(default=0, sa_type=BigInteger)
    orders: int = Field(default=0, sa_type=BigInteger)
    sales_yen: int = Field(default=0, sa_type=BigInteger)
