"""How a campaign ends when its run does."""

from typing import Any

import pytest

from app.campaigns.models import Campaign
from app.campaigns.projection import close_campaigns
from tenants.session import ScopedSession
from tests import make

SOMEBODY = [{"account_no": 1, "store_no": 1, "count": 3}]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"status": "finished", "chosen": 3, "sent": SOMEBODY}, "sent"),
        ({"status": "finished", "chosen": 0, "sent": []}, "sent"),
        ({"status": "finished", "chosen": 3, "sent": []}, "failed"),
        ({"status": "stopped", "chosen": 3, "sent": []}, "cancelled"),
        ({"status": "expired", "chosen": 3, "sent": []}, "expired"),
    ],
)
def test_a_campaign_ends_as_its_run_did(session: ScopedSession, told: dict[str, Any], status: str) -> None:
    campaign = Campaign(name="秋", status="sending", messages=[])
    session.add(campaign)
    session.flush()
    finished = make.event(session, "run.finished", data={**told, "campaign_id": str(campaign.id)})
    close_campaigns(session, [finished])
    session.refresh(campaign)
    assert campaign.status == status
