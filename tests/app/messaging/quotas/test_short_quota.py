"""Three hundred messages left and a thousand people chosen: nothing goes over, and those not reached are known."""

from datetime import timedelta

from sqlmodel import col, select

from app.customers.models import Customer
from app.messaging import quota
from app.messaging.models import Batch, QuotaMonth
from app.messaging.quota import JAPAN, month_after, month_begins_at, quota_month
from tenants.ids import encode_id
from tenants.tables import utc_now
from tests.app.messaging.quotas.conftest import Shop


def use_elsewhere(shop: Shop) -> None:
    """Seven hundred of the thousand go to somebody who sends in LINE's manager."""
    shop.manager("manager-send", recipients=700)


def test_trim_sends_what_is_left_and_the_others_are_listed_and_written_to_later(shop: Shop) -> None:
    use_elsewhere(shop)
    campaign_id = shop.draft()
    rehearsed = shop.post(f"campaigns/{campaign_id}/dry-run").json()
    assert (rehearsed["chosen"], rehearsed["left_out"]) == (300, {"quota": 700})
    assert rehearsed["by_line_account"][0]["quota_after"] == 0
    assert shop.post(f"campaigns/{campaign_id}/launch").status_code == 202
    shown = shop.quota()
    assert (shown["used"], shown["others"], shown["reserved"], shown["available"]) == (700, 700, 300, 0)
    shop.stage.work()
    reached = shop.delivered()
    assert len(reached) == len(set(reached)) == 300
    missed = shop.left_out(campaign_id, "quota")
    assert missed == set(shop.everybody().values()) - set(reached)
    shown = shop.quota()
    assert (shown["used"], shown["sent"], shown["others"], shown["reserved"]) == (1000, 300, 700, 0)

    made = shop.post(
        "customer-lists", **{"name": "届かなかった方", "from": {"campaign_id": campaign_id, "reasons": ["quota"]}}
    )
    assert made.json()["customers"] == 700
    shop.manager("plan", plan="standard")
    shop.forget_sync()
    again = shop.draft(audience={"list_ids": [made.json()["id"]]})
    assert shop.post(f"campaigns/{again}/launch").status_code == 202
    shop.stage.work()
    everyone = shop.delivered()
    assert len(everyone) == len(set(everyone)) == 1000
    assert set(everyone[:300]) == set(reached)


def test_queue_lets_the_others_wait_for_the_next_month(shop: Shop) -> None:
    use_elsewhere(shop)
    campaign_id = shop.draft(quota_policy="queue")
    launched = shop.post(f"campaigns/{campaign_id}/launch")
    assert launched.status_code == 202
    next_on = month_after(quota_month(utc_now()))
    shown = shop.quota(month=f"{next_on:%Y-%m}")
    assert (shown["used"], shown["reserved"], shown["available"]) == (0, 700, 300)
    shop.stage.work()
    assert len(shop.delivered()) == 300
    stats = shop.get(f"campaigns/{campaign_id}/stats")
    assert (stats["chosen"], stats["sent"], stats["waiting"], stats["left_out"]) == (1000, 300, 700, {})
    with shop.stage.home.open() as session:
        waiting = session.exec(select(Batch).where(col(Batch.state) == "waiting")).all()
        assert {one.not_before for one in waiting} == {month_begins_at(next_on)}
        assert {one.not_before.astimezone(JAPAN).hour for one in waiting if one.not_before} == {0}
    assert shop.post(f"campaigns/{campaign_id}/cancel").status_code == 200
    shop.stage.work()
    assert shop.quota(month=f"{next_on:%Y-%m}")["reserved"] == 0
    assert len(shop.delivered()) == 300


def test_beyond_the_next_month_s_quota_nobody_is_queued(shop: Shop) -> None:
    use_elsewhere(shop)
    first = shop.draft(quota_policy="queue")
    assert shop.post(f"campaigns/{first}/launch").status_code == 202
    second = shop.draft(quota_policy="queue")
    rehearsed = shop.post(f"campaigns/{second}/dry-run").json()
    assert (rehearsed["chosen"], rehearsed["left_out"]) == (300, {"quota": 700})


def test_what_is_over_before_the_next_month_is_not_queued(shop: Shop) -> None:
    use_elsewhere(shop)
    begins_at = month_begins_at(month_after(quota_month(utc_now())))
    campaign_id = shop.draft(quota_policy="queue", valid_until=begins_at.isoformat())
    rehearsed = shop.post(f"campaigns/{campaign_id}/dry-run").json()
    assert (rehearsed["chosen"], rehearsed["left_out"]) == (300, {"quota": 700})


def test_skip_sends_to_nobody_of_the_account(shop: Shop) -> None:
    use_elsewhere(shop)
    campaign_id = shop.draft(quota_policy="skip")
    assert shop.post(f"campaigns/{campaign_id}/launch").status_code == 202
    shop.stage.work()
    assert shop.delivered() == []
    assert shop.left_out(campaign_id, "quota") == set(shop.everybody().values())
    assert shop.quota()["reserved"] == 0


def test_refuse_launches_nothing(shop: Shop) -> None:
    use_elsewhere(shop)
    campaign_id = shop.draft(quota_policy="refuse")
    refused = shop.post(f"campaigns/{campaign_id}/launch")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/quota-exhausted")
    assert "needs 1000 and has 300" in refused.json()["detail"]
    shop.stage.work()
    assert shop.delivered() == []
    assert shop.get(f"campaigns/{campaign_id}")["status"] == "draft"


def test_who_spent_most_goes_first_where_that_is_asked(shop: Shop) -> None:
    use_elsewhere(shop)
    campaign_id = shop.draft(trim_by="spend")
    assert shop.post(f"campaigns/{campaign_id}/launch").status_code == 202
    shop.stage.work()
    reached = set(shop.delivered())
    with shop.stage.home.open() as session:
        rich = session.exec(select(Customer.id).where(col(Customer.spend_yen) > 700)).all()
    assert reached == {encode_id("cus", one) for one in rich}


def test_what_waits_over_the_end_of_a_month_counts_on_the_next(shop: Shop) -> None:
    campaign_id = shop.draft()
    assert shop.post(f"campaigns/{campaign_id}/launch").status_code == 202
    later = utc_now() + timedelta(days=31)
    with shop.stage.home.open() as session:
        free = quota.lock_available(session, [shop.account.no], later)
        assert free == {shop.account.no: 0}
        reserved = {row.month_on: row.reserved for row in session.exec(select(QuotaMonth))}
        assert reserved == {quota_month(utc_now()): 0, quota_month(later): 1000}
        session.rollback()
