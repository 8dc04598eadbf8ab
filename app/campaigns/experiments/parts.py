"""How an audience is dealt out to a campaign's variants."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.campaigns.models import Campaign
from app.messaging.audience import Cut
from app.messaging.experiments import split


def cut_by_variant(campaign: Campaign, now: datetime) -> Cut | None:
    """The cut that deals out a campaign's variants; None where there are none."""
    if not campaign.variants:
        return None
    tested = campaign.experiment["share"] if campaign.experiment else 1.0
    shares = read_shares(campaign.variants)
    return split(f"{campaign.id}:variant", shares, tested=tested, decide_at=find_decide_at(campaign, now))


def find_decide_at(campaign: Campaign, begun_at: datetime) -> datetime | None:
    """When it would be decided what does best, were it launched at this moment; None without an experiment."""
    if not campaign.experiment:
        return None
    return begun_at + timedelta(minutes=campaign.experiment["decide_after_minutes"])


def read_shares(variants: Sequence[Mapping[str, Any]]) -> list[float]:
    """What part of those who are tested gets each variant."""
    shares = [one.get("share") for one in variants]
    return [1 / len(variants) if share is None else float(share) for share in shares]
