"""What a clerk does at the till, over the calls of its page."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select

from app.auth import brand_key_of
from app.cards.service import card_of
from app.coupons import rotating
from app.coupons.guessing import Guesser, note
from app.coupons.models import IssuedCoupon, Redemption
from app.customers.models import Customer
from app.till.counter import WRONG_CODES
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests.app.admin.calls import assert_problem
from tests.app.till.stage import issue, open_till
from tests.conftest import BrandHome


def _redemption(home: BrandHome) -> Redemption:
    with home.open() as session:
        return session.exec(select(Redemption)).one()


def test_a_good_code_is_used_at_once(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    answer = till.scan(copy.code)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["result"], told["offer"]["gives_ja"], told["use"]["discount_yen"]) == ("done", "200円引き", 200)
    use = _redemption(home)
    assert (use.issued_coupon_id, use.store_no, use.device_id) == (copy.id, till.store.no, till.device.id)


def test_the_answer_names_nobody_but_by_nickname(api: TestClient, home: BrandHome) -> None:
    answer = open_till(api, home).scan(issue(home).code)
    assert answer.json()["person"] == {"nickname": None, "rank": None, "rank_ja": None}
    assert "山田" not in answer.text
    assert "cus_" not in answer.text


def test_a_used_code_tells_when_and_where(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    till.scan(copy.code)
    again = till.scan(copy.code)
    assert_problem(again, 409, "coupon-already-redeemed")
    assert again.json()["store"] == till.store.name


def test_an_answer_that_was_lost_is_told_again(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    body = {"code": copy.code, "ref": "LOSTANSWER01"}
    first = till.call("POST", "/scan", body, **{"Idempotency-Key": "LOSTANSWER01"})
    second = till.call("POST", "/scan", body, **{"Idempotency-Key": "LOSTANSWER01"})
    assert first.json() == second.json()


def test_a_use_whose_answer_was_lost_settles_as_the_same_use(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    till.call("POST", "/scan", {"code": copy.code, "ref": "LOSTANSWER02"})
    item = {"ref": "LOSTANSWER02", "code": copy.code, "redeemed_at": utc_now().isoformat()}
    answer = till.call("POST", "/settle", {"items": [item]})
    assert [one["status"] for one in answer.json()["items"]] == [200]


def test_a_coupon_that_needs_the_bill_asks_for_it_first(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    copy = issue(home, coupon={"benefit": {"kind": "percent_off", "percent": 10}, "min_spend_yen": 1000})
    asked = till.scan(copy.code).json()
    assert (asked["result"], asked["offer"]["min_spend_yen"]) == ("amount", 1000)
    too_little = till.scan(copy.code, 999)
    assert_problem(too_little, 409, "coupon-minimum-spend")
    assert till.scan(copy.code, 2000).json()["use"]["discount_yen"] == 200


def test_another_stores_coupon_is_refused(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    copy = issue(home, coupon={"redeemable_store_nos": [till.store.no + 100]})
    assert_problem(till.scan(copy.code), 409, "coupon-not-here")


def test_what_has_ended_or_not_begun_is_refused(api: TestClient, home: BrandHome) -> None:
    till, now = open_till(api, home), utc_now()
    ended = issue(home, expires_at=now - timedelta(minutes=1))
    later = issue(home, starts_at=now + timedelta(hours=1))
    assert_problem(till.scan(ended.code), 409, "coupon-ended")
    assert_problem(till.scan(later.code), 409, "coupon-not-started")


def test_an_old_picture_is_refused(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    till, copy, now = open_till(api, home), issue(home), utc_now()
    with home.open() as session:
        secret = rotating.secret_of(brand_key_of(session, keyring), copy.code)
    old = rotating.show(secret, copy.code, now - timedelta(seconds=90))
    assert_problem(till.scan(old), 409, "code-stale")
    assert till.scan(rotating.show(secret, copy.code, now)).json()["result"] == "done"


def test_a_card_shows_her_coupons_and_its_number_alone_opens_none(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    till, copy = open_till(api, home), issue(home)
    with home.open() as session:
        card = card_of(session, session.get_one(Customer, (home.scope.brand_id, copy.customer_id)))
        secret = rotating.secret_of(brand_key_of(session, keyring), card.number)
        session.commit()
    printed = till.scan(card.number).json()
    assert (printed["result"], [held["code"] for held in printed["held"]]) == ("card", [None])
    shown = till.scan(rotating.show(secret, card.number, utc_now())).json()
    assert [held["code"] for held in shown["held"]] == [copy.code]
    assert till.scan(shown["held"][0]["code"]).json()["result"] == "done"


def test_a_use_is_undone_within_ten_minutes(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    use = till.scan(copy.code).json()["use"]
    answer = till.call("POST", "/undo", {"redemption_id": use["redemption_id"], "reason": "mistake"})
    assert (answer.json()["uses"], answer.json()["undone"]) == (0, 1)
    assert _redemption(home).reverse_reason == "till: mistake"
    assert till.scan(copy.code).json()["result"] == "done"


def test_a_use_is_not_undone_later(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    use = till.scan(copy.code).json()["use"]
    with home.open() as session:
        session.execute(text("UPDATE redemption SET created_at = created_at - interval '11 minutes'"))
        session.commit()
    answer = till.call("POST", "/undo", {"redemption_id": use["redemption_id"], "reason": "mistake"})
    assert_problem(answer, 409, "till-undo-over")


def test_a_till_undoes_nothing_of_another_store(api: TestClient, home: BrandHome) -> None:
    till, other, copy = open_till(api, home), open_till(api, home), issue(home)
    use = till.scan(copy.code).json()["use"]
    answer = other.call("POST", "/undo", {"redemption_id": use["redemption_id"], "reason": "mistake"})
    assert_problem(answer, 404, "not-found")


def test_the_tally_is_of_the_stores_day(api: TestClient, home: BrandHome) -> None:
    till, other = open_till(api, home), open_till(api, home)
    for shop in (till, till, other):
        shop.scan(issue(home).code)
    tally = till.call("GET", "/me").json()["tally"]
    assert (tally["uses"], tally["discount_yen"], len(tally["latest"])) == (2, 400, 2)


def test_a_suspended_brand_redeems(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    with home.open() as session:
        session.execute(text("UPDATE brand SET status = 'suspended'"))
        session.commit()
    assert till.scan(copy.code).json()["result"] == "done"


def test_whoever_guesses_codes_is_kept_waiting_and_good_codes_go_on(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    guesser = Guesser(till.device.id, till.store.no, WRONG_CODES)
    with home.open() as session:
        for minutes in (0, 1):  # of whichever the scan falls into
            note(session, guesser, WRONG_CODES, utc_now() + timedelta(minutes=minutes))
        session.commit()
    assert_problem(till.scan("000000000000"), 429, "too-many-unknown-codes")
    assert till.scan(copy.code).json()["result"] == "done"


def test_what_was_used_offline_settles_and_what_was_not_good_is_told(api: TestClient, home: BrandHome) -> None:
    till, other = open_till(api, home), open_till(api, home)
    good, taken = issue(home), issue(home)
    other.scan(taken.code)
    at = (utc_now() - timedelta(minutes=5)).isoformat()
    items = [
        {"ref": f"OFFLINE{number:05}", "code": copy.code, "redeemed_at": at}
        for number, copy in enumerate((good, taken))
    ]
    for statuses in ([201, 409], [200, 409]):  # the second time the same, for answers get lost
        answer = till.call("POST", "/settle", {"items": items})
        assert [one["status"] for one in answer.json()["items"]] == statuses
    problem = answer.json()["items"][1]["problem"]
    assert (problem["type"], problem["store"]) == ("/problems/coupon-already-redeemed", other.store.name)
    with home.open() as session:
        assert session.get_one(IssuedCoupon, (home.scope.brand_id, good.id)).status == "redeemed"


def test_a_clock_that_is_ahead_does_not_lose_a_use(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    item = {"ref": "AHEAD00000001", "code": copy.code, "redeemed_at": (utc_now() + timedelta(hours=2)).isoformat()}
    answer = till.call("POST", "/settle", {"items": [item]})
    assert [one["status"] for one in answer.json()["items"]] == [201]


def test_the_person_on_the_panel_stands_in_the_log(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    till.scan(copy.code)
    with home.open() as session:
        rows = session.execute(text("SELECT caller_id FROM audit_entry WHERE action = 'scan_at_till'")).scalars().all()
    assert till.device.id in rows
