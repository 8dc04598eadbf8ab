"""Two people who turn out to be one have one ledger, and two again when it is undone."""

from datetime import timedelta

from sqlmodel import col, select

from app.customers.erasing.service import erase
from app.loyalty.models import LoyaltyMember, PointEntry
from tenants.tables import utc_now
from tests.app.loyalty.conftest import Club


def test_a_merge_adds_up_and_its_undoing_gives_each_her_own(club: Club) -> None:
    club.set_up()
    club.buy(10_000)
    club.buy(5_000, customer_id=club.taro_id)
    merge = club.merge(club.hanako_id, club.taro_id)
    assert club.has(club.taro_id) == club.has(club.hanako_id) == 150
    assert club.post(-120).status_code == 201  # by her former id
    club.part(merge)
    assert (club.has(), club.has(club.taro_id)) == (100, -70)
    assert club.standing(club.taro_id)["debt"] == 70


def test_what_expires_or_is_refunded_while_they_are_one_goes_back_with_its_order(club: Club) -> None:
    club.set_up()
    club.buy(10_000, "o-1")
    club.post(40, "R-1")
    merge = club.merge(club.hanako_id, club.taro_id)
    club.buy(4_000, "o-1")
    club.expire(utc_now() + timedelta(days=400))
    assert club.has(club.taro_id) == 0
    club.part(merge)
    assert (club.has(), club.has(club.taro_id)) == (0, 0)


def test_ranks_count_what_both_bought(club: Club) -> None:
    levels = [{"key": "gold", "name_ja": "ゴールド", "name_en": "Gold", "at_least": 5000}]
    club.set_up(ranks={"by": "spend", "levels": levels})
    club.buy(3000)
    club.buy(3000, customer_id=club.taro_id)
    assert club.standing()["rank"] is None
    merge = club.merge(club.hanako_id, club.taro_id)
    assert club.standing()["rank"]["key"] == "gold"
    club.part(merge)
    assert [club.standing(one)["rank"] for one in (club.hanako_id, club.taro_id)] == [None, None]


def test_the_former_id_goes_on_to_answer_for_a_referral_code(club: Club) -> None:
    club.set_up(referral={"referrer_points": 300, "newcomer_points": 200})
    made = club.api.post(f"/v1/customers/{club.hanako_id}/referral-code", headers=club.home.headers)
    club.merge(club.hanako_id, club.taro_id)
    body = {"referrer_code": made.json()["code"], "customer_id": club.taro_id}
    refused = club.api.post("/v1/referrals", json=body, headers=club.home.headers)
    assert refused.json()["reason"] == "oneself"


def test_erasing_takes_words_and_leaves_figures(club: Club) -> None:
    club.set_up()
    club.post(100, reason="山田さんのお誕生日")
    with club.home.open() as session:
        erase(session, club.hanako.id, utc_now())
        session.commit()
        (entry,) = session.exec(select(PointEntry)).all()
        members = select(LoyaltyMember).where(col(LoyaltyMember.customer_id) == club.hanako.id)
        assert (entry.reason, entry.delta, session.exec(members).all()) == (None, 100, [])
