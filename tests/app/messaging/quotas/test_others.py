"""Somebody else sends from the account, in LINE's manager: it is noticed, told, and taken off what is left."""

from sqlmodel import col, select

from app.admin.line_accounts.service import retell_quota
from app.events.models import Event
from app.messaging.models import Batch, QuotaMonth
from tenants.line_accounts.models import LineAccount
from tenants.tables import utc_now
from tests.app.messaging.quotas.conftest import Shop


def rehearse(shop: Shop) -> None:
    """Have LINE asked, as before any launch."""
    shop.forget_sync()
    assert shop.post(f"campaigns/{shop.draft()}/dry-run").status_code == 200


def events_of(shop: Shop, type_: str) -> list[dict[str, object]]:
    with shop.stage.home.open() as session:
        found = session.exec(select(Event).where(col(Event.type) == type_).order_by(col(Event.id))).all()
        return [event.data for event in found]


def test_use_by_somebody_else_is_told_once_and_taken_off(shop: Shop) -> None:
    rehearse(shop)
    assert (shop.quota()["others"], shop.quota()["available"]) == (0, 1000)
    assert events_of(shop, "quota.used_elsewhere") == []
    shop.manager("manager-send", recipients=100)
    rehearse(shop)
    shop.manager("manager-send", recipients=50)
    rehearse(shop)
    shown = shop.quota()
    assert (shown["others"], shown["used"], shown["available"]) == (150, 150, 850)
    assert [one["others"] for one in events_of(shop, "quota.used_elsewhere")] == [100]


def test_four_fifths_and_all_are_alerted_once_each(shop: Shop) -> None:
    for recipients in (790, 10, 100, 100):
        shop.manager("manager-send", recipients=recipients)
        rehearse(shop)
    told = events_of(shop, "quota.alerted")
    assert [(one["percent"], one["used"], one["limit"]) for one in told] == [(80, 800, 1000), (100, 1000, 1000)]
    assert shop.quota()["alert"] == 100
    assert shop.get("quota/total")["alerted_accounts"] == 1


def test_the_doctor_s_list_says_so_as_soon_as_it_is_noticed(shop: Shop) -> None:
    with shop.stage.home.open() as session:
        account = session.get_one(LineAccount, (session.scope.brand_id, shop.account.id))
        account.findings = []
        session.commit()
    rehearse(shop)
    shop.manager("manager-send", recipients=850)
    rehearse(shop)
    shop.stage.work()
    with shop.stage.home.open() as session:
        account = session.get_one(LineAccount, (session.scope.brand_id, shop.account.id))
        codes = [one["code"] for one in account.findings or ()]
        assert codes == ["quota_low", "quota_others"]
        retell_quota(session, account, utc_now())
        assert [one["code"] for one in account.findings or ()] == codes


def test_line_away_leaves_the_figures_as_they_were_with_their_age(shop: Shop) -> None:
    rehearse(shop)
    shop.manager("manager-send", recipients=100)
    shop.stage.fault(endpoint="/v2/bot/message/quota", status=500, body="", ratio=1.0)
    rehearse(shop)
    shown = shop.quota()
    assert (shown["used"], shown["available"]) == (0, 1000)
    assert shown["synced_at"] < utc_now().isoformat()
    assert shown["sync_error"]
    assert shop.post(f"campaigns/{shop.draft()}/launch").status_code == 202


def test_when_line_says_the_month_is_spent_the_rest_waits_until_the_limit_is_raised(shop: Shop) -> None:
    campaign_id = shop.draft()
    assert shop.post(f"campaigns/{campaign_id}/launch").status_code == 202
    shop.manager("manager-send", recipients=900)
    shop.stage.work()
    assert shop.delivered() == []
    shown = shop.quota()
    assert (shown["others"], shown["reserved"], shown["available"], shown["alert"]) == (900, 1000, 0, 80)
    with shop.stage.home.open() as session:
        assert {(one.state, one.first_tried_at) for one in session.exec(select(Batch))} == {("waiting", None)}
    shop.manager("plan", plan="light")
    shop.forget_sync()
    rehearse(shop)
    shop.stage.work()
    assert len(shop.delivered()) == 1000
    with shop.stage.home.open() as session:
        row = session.exec(select(QuotaMonth)).one()
        assert (row.sent, row.others, row.used, row.reserved) == (1000, 900, 1900, 0)
