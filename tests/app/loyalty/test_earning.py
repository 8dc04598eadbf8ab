"""What orders, visits, actions and stamps earn, and take back."""

from datetime import datetime, timedelta

import pytest

from app.loyalty import tasks
from tenants.tables import utc_now
from tests import make
from tests.app.loyalty.conftest import PROGRAMME, Club

DAY = timedelta(days=1)


def test_nothing_earns_before_there_is_a_programme(club: Club) -> None:
    club.buy(1000, "o-1")
    club.set_up()
    assert club.standing()["points"] == 0
    club.buy(1000, "o-2", ordered_at="2026-01-05T12:00:00Z")
    club.buy(1200, "o-1", ordered_at="2026-01-05T12:00:00Z")
    assert club.list_entries() == []


def test_an_order_earns_a_point_for_every_so_many_yen(club: Club) -> None:
    club.set_up()
    order_id = club.buy(1299)
    (entry,) = club.list_entries()
    assert (entry["kind"], entry["origin"], entry["delta"], entry["payer"]) == ("earn", "order", 12, "brand")
    assert (entry["order_id"], entry["store_id"]) == (order_id, club.a_id)
    assert club.has() == 12


def test_an_online_shop_earns_at_its_own_rate(club: Club) -> None:
    rates = [{"store_id": club.b_id, "yen_per_point": 50}]
    club.set_up(orders={"yen_per_point": 100, "stores": rates}, payer="store")
    club.buy(1000)
    club.buy(1000, store_id=club.b_id)
    assert [(one["delta"], one["payer"]) for one in club.list_entries()] == [(20, "store"), (10, "store")]


def test_the_same_order_again_changes_only_the_difference(club: Club) -> None:
    club.set_up()
    for amount, wanted in ((1000, [10]), (1000, [10]), (1500, [10, 5]), (200, [10, 5, -13]), (0, [10, 5, -13, -2])):
        club.buy(amount, "o-1")
        assert [one["delta"] for one in reversed(club.list_entries())] == wanted
        assert club.has() == amount // 100
    assert [one["kind"] for one in club.list_entries()] == ["refund", "refund", "earn", "earn"]


def test_an_order_keeps_the_rules_of_its_time(club: Club) -> None:
    club.set_up()
    ordered_at = utc_now()
    club.buy(1000, "o-1", ordered_at=ordered_at.isoformat())
    club.set_up(orders={"yen_per_point": 10})
    club.buy(1100, "o-1", ordered_at=ordered_at.isoformat())
    assert club.has() == 11
    club.buy(100, "o-2")
    assert club.has() == 21


def test_an_order_that_was_somebody_elses_takes_back_what_it_gave(club: Club) -> None:
    club.set_up()
    club.buy(1000, "o-1")
    club.buy(1000, "o-1", customer_id=club.taro_id)
    assert (club.has(), club.has(club.taro_id)) == (0, 10)
    club.buy(1000, "o-1", customer_id=club.hanako_id, store_id=club.b_id)
    assert (club.has(), club.has(club.taro_id)) == (10, 0)
    assert club.list_entries()[0]["store_id"] == club.b_id


def test_a_refund_of_points_that_were_spent_leaves_a_debt_that_the_next_ones_pay_off(club: Club) -> None:
    club.set_up()
    club.buy(12_000, "o-1")
    assert club.post(-120).status_code == 201
    club.buy(0, "o-1")
    shown = club.standing()
    assert (shown["points"], shown["debt"]) == (0, 120)
    assert club.post(-1).json()["debt"] == 120
    club.buy(10_000)
    assert (club.standing()["points"], club.standing()["debt"]) == (0, 20)
    club.buy(10_000)
    assert (club.standing()["points"], club.standing()["debt"]) == (80, 0)
    assert club.has() == 80


def test_a_visit_earns_up_to_a_limit_for_each_day(club: Club) -> None:
    club.set_up(visits={"points": 5, "most_per_day": 2})
    now = utc_now()
    for name in ("v-1", "v-2", "v-3"):
        club.come(now, name)
    assert club.has() == 10
    club.come(now, "v-1", customer_id=club.taro_id)  # so the third one counts
    assert (club.has(), club.has(club.taro_id)) == (10, 5)


def test_an_action_earns_as_often_as_the_programme_says(club: Club) -> None:
    action = {"key": "line-friend", "event": "friend.followed", "points": 50, "most": 2}
    club.set_up(actions=[action])
    with club.home.open() as session:
        for _ in range(3):
            make.event(session, type="friend.followed", customer_id=club.hanako.id, occurred_at=utc_now())
        session.commit()
    club.work_off()
    club.work_off()
    assert [(one["delta"], one["reason"]) for one in club.list_entries()] == [(50, "line-friend")] * 2


@pytest.mark.parametrize(("per_day", "points"), [(1, 0), (3, 100), (9, 200)])
def test_a_full_card_of_stamps_gives_points(club: Club, per_day: int, points: int) -> None:
    club.set_up(stamps={"visits": 3, "points": 100, "most_per_day": per_day})
    for number in range(6):
        club.come(utc_now(), f"v-{number}")
    assert club.has() == points


def test_stamps_are_taken_back_with_the_visits(club: Club) -> None:
    club.set_up(stamps={"visits": 2, "points": 100, "most_per_day": 9})
    for number in range(4):
        club.come(utc_now(), f"v-{number}")
    assert club.has() == 200
    club.set_up(stamps={"visits": 2, "points": 100, "most_per_day": 9}, visits={"points": 1})
    club.come(utc_now(), "v-9")
    assert club.has() == 201  # a change of other rules empties no card
    club.come(utc_now(), "v-0", customer_id=club.taro_id)
    club.come(utc_now(), "v-1", customer_id=club.taro_id)
    assert club.list_entries()[0]["kind"] == "refund"


def test_points_expire_at_the_end_of_their_day_and_not_before(club: Club) -> None:
    club.set_up()
    club.buy(1000)
    expires_at = club.standing()["next_expiry"]
    assert expires_at["points"] == 10
    at = datetime.fromisoformat(expires_at["expires_at"])
    assert at - utc_now() > timedelta(days=364)
    club.expire(at - timedelta(seconds=1))
    assert club.has() == 10
    club.expire(at)
    assert club.has() == 0
    club.expire(at)
    assert [one["kind"] for one in club.list_entries()] == ["expire", "earn"]


def test_what_expired_unspent_makes_no_debt_when_its_order_is_refunded(club: Club) -> None:
    club.set_up()
    club.buy(10_000, "o-1")
    club.post(-30)
    club.expire(utc_now() + 400 * DAY)
    assert club.has() == 0
    club.buy(0, "o-1")
    assert (club.has(), club.standing()["debt"]) == (-30, 30)


def test_ranks_follow_what_was_spent_and_fall_with_the_window(club: Club) -> None:
    levels = [
        {"key": "regular", "name_ja": "レギュラー", "name_en": "Regular", "at_least": 0},
        {"key": "gold", "name_ja": "ゴールド", "name_en": "Gold", "at_least": 5000},
    ]
    ranks = {"by": "spend", "window_months": 12, "levels": levels}
    club.buy(4000)
    club.set_up(**PROGRAMME, ranks=ranks)
    assert club.standing()["rank"]["key"] == "regular"
    assert club.standing()["next_rank"]["missing"] == 1000
    assert club.standing(headers=club.key_a)["next_rank"]["missing"] is None
    club.buy(1000, "o-1")
    assert (club.standing()["rank"]["name_ja"], club.standing()["next_rank"]) == ("ゴールド", None)
    club.buy(999, "o-1")
    assert club.standing()["rank"]["key"] == "regular"
    club.buy(1000, "o-1")
    tasks.rank_members(club.work(utc_now() + 400 * DAY))
    assert club.standing()["rank"]["key"] == "regular"
    assert club.standing(club.taro_id)["rank"]["key"] == "regular"
