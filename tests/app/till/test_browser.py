"""The till's page as a clerk uses it: in a browser, with a reader that types, with a network and without one.

`NOREN_PICTURES` names a folder that gets a picture of each panel.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from app.auth import brand_key_of
from app.cards.service import card_of
from app.coupons import rotating
from app.customers.models import Customer, Identity
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests.app.liff.served import Site
from tests.app.sandbox.phone.audit import list_barriers
from tests.app.sandbox.phone.browser import Page
from tests.app.till.desk import PHONE, Desk
from tests.app.till.stage import issue
from tests.conftest import BrandHome

pytestmark = pytest.mark.slow


def test_from_the_link_to_the_first_use(home: BrandHome, site: Site, browser: Page) -> None:
    desk, copy = Desk(home, site, browser), issue(home)
    body = {"store_id": encode_id("store", desk.store.id), "name": "レジ1"}
    link = site.app.post("/v1/till-links", json=body, headers=home.headers).json()
    browser.visit(site.url + urlsplit(link["url"]).path, width=768, height=1024)
    browser.wait_for("document.activeElement.id === 'pin'")  # what is typed before goes nowhere
    desk.keep_picture("pin-768")
    browser.type(link["pin"])
    browser.press("Enter")
    desk.wait_until_ready()
    desk.keep_picture("idle-768")
    desk.read(copy.code)
    assert "雨の日200円引き" in desk.sees("good", "200円引き")


def test_a_good_code_and_then_the_same_again(desk: Desk) -> None:
    copy = issue(desk.home)
    desk.read(copy.code)
    desk.sees("good", "200円引き")
    desk.keep_picture("good-768")
    desk.page.wait_for("document.querySelector('#open-tally b').textContent === '1'")
    desk.page.run(
        "new Promise((done) => setTimeout(done, 1600))"
    )  # sooner it is taken for one scan that was read twice
    desk.read(copy.code, enter=False)
    told = desk.sees("bad", "使用済みです")
    assert "渋谷店 で使われました" in told
    desk.keep_picture("used-768")


def test_what_is_refused_says_why(desk: Desk, keyring: Keyring) -> None:
    elsewhere = issue(desk.home, coupon={"redeemable_store_nos": [desk.store.no + 100]})
    ended = issue(desk.home, expires_at=utc_now() - timedelta(minutes=1))
    pictured = issue(desk.home)
    with desk.home.open() as session:
        secret = rotating.secret_of(brand_key_of(session, keyring), pictured.code)
    desk.read(elsewhere.code)
    desk.sees("bad", "このお店では使えません")
    desk.read(ended.code)
    desk.sees("bad", "期限が過ぎています")
    desk.keep_picture("ended-768")
    desk.read(rotating.show(secret, pictured.code, utc_now() - timedelta(seconds=90)))
    desk.sees("old", "画面を開き直してもらってください")
    desk.keep_picture("stale-768")
    desk.read("ZZZZZZZZZZZZ")
    desk.sees("bad", "わからないコードです")
    assert list_barriers(desk.page) == []


def test_the_bill_is_asked_for_where_the_coupon_needs_it(desk: Desk) -> None:
    benefit = {"kind": "percent_off", "percent": 10}
    copy = issue(desk.home, coupon={"name": "週末10%引き", "benefit": benefit, "min_spend_yen": 1000})
    desk.read(copy.code)
    desk.sees("ask", "お会計の金額を入れてください")
    desk.keep_picture("amount-768")
    assert list_barriers(desk.page) == []
    desk.page.press_button("2")
    desk.page.press_button("00")
    desk.page.press_button("0")
    desk.page.press_button("決定")
    assert "−200円" in desk.sees("good", "10%引き")


def test_a_use_is_undone_with_a_reason(desk: Desk) -> None:
    copy = issue(desk.home)
    desk.read(copy.code)
    desk.sees("good", "200円引き")
    desk.page.press_button("取り消す")
    desk.keep_picture("undo-768")
    desk.page.press_button("押しまちがい・読みまちがい")
    desk.sees("idle", "取り消しました")
    desk.page.wait_for("document.querySelector('#open-tally b').textContent === '0'")
    desk.read(copy.code)
    desk.sees("good", "200円引き")


def test_a_card_shows_what_she_may_use(desk: Desk, keyring: Keyring) -> None:
    copy = issue(desk.home)
    with desk.home.open() as session:
        customer = session.get_one(Customer, (desk.home.scope.brand_id, copy.customer_id))
        session.add(
            Identity(
                customer_id=customer.id, provider_id="provider-1", line_user_id="U1", display_name="はな",
                profile_at=utc_now(),
            )
        )  # fmt: skip
        card = card_of(session, customer)
        secret = rotating.secret_of(brand_key_of(session, keyring), card.number)
        session.commit()
    desk.read(card.number)
    desk.page.wait_for("document.querySelector('.hers .tip')")
    desk.read(rotating.show(secret, card.number, utc_now()))
    desk.page.wait_for("document.querySelector('.hers li button:enabled')")
    assert desk.page.run("document.querySelector('.hello').textContent") == "はな さん"
    desk.keep_picture("card-768")
    desk.page.click("document.querySelector('.hers li button')")
    desk.sees("good", "200円引き")


def test_offline_it_takes_what_is_listed_and_tells_of_conflicts_later(desk: Desk) -> None:
    good, doubled = issue(desk.home), issue(desk.home)
    desk.fetch_list()
    desk.site.is_down = True
    for copy in (good, doubled):
        desk.read(copy.code)
        desk.sees("later", "200円引き")
        desk.page.run("document.getElementById('panel').className = ''")
    desk.page.run("new Promise((done) => setTimeout(done, 1600))")
    desk.read(good.code)
    desk.sees("bad", "このレジで使用済みです")
    unlisted = issue(desk.home)
    desk.read(unlisted.code)
    desk.sees("bad", "オフラインでは確認できないコードです")
    assert [one["code"] for one in desk.kept("queue")] == [good.code, doubled.code]
    assert desk.other_till().scan(doubled.code).status_code == 200
    desk.site.is_down = False
    desk.page.run("window.dispatchEvent(new Event('online'))")
    desk.page.wait_for("document.getElementById('open-conflicts')")
    assert desk.kept("queue") == []
    desk.keep_picture("conflict-768")
    desk.page.click("document.getElementById('open-conflicts')")
    told = desk.page.run("document.getElementById('sheet').innerText")
    assert "新宿店 で使われました" in told
    desk.keep_picture("conflicts-768")
    desk.page.press_button("確認しました")
    desk.page.wait_for("!document.getElementById('open-conflicts')")
    desk.page.wait_for("document.querySelector('#open-tally b').textContent === '1'")


def test_it_opens_without_a_network(desk: Desk) -> None:
    copy = issue(desk.home)
    desk.fetch_list()
    desk.site.is_down = True
    desk.open()
    assert desk.page.run("document.getElementById('store').textContent") == "渋谷店"
    desk.page.wait_for("!document.getElementById('net').hidden")
    desk.read(copy.code)
    desk.sees("later", "200円引き")
    desk.keep_picture("later-768")


def test_a_list_that_was_altered_is_not_used(desk: Desk) -> None:
    copy = issue(desk.home, expires_at=utc_now() + timedelta(minutes=20))
    desk.fetch_list()
    desk.site.is_down = True
    desk.page.run(
        "(() => { const list = JSON.parse(localStorage.getItem('till.list'));"
        ' list.kept.payload = list.kept.payload.replace(/"good_until":\\d+/, \'"good_until":9999999999\');'
        " localStorage.setItem('till.list', JSON.stringify(list)); })()"
    )
    desk.open()
    desk.page.wait_for("document.querySelector('.alarm')")
    desk.read(copy.code)
    desk.sees("bad", "オフラインのため確認できません")
    desk.page.mistakes.clear()


def test_a_revoked_till_says_so(desk: Desk) -> None:
    device = encode_id("till", desk.device.id)
    assert desk.site.app.delete(f"/v1/till-devices/{device}", headers=desk.home.headers).status_code == 204
    desk.read(issue(desk.home).code)
    desk.sees("bad", "この端末はレジとして登録されていません")
    assert desk.kept("list") is None


def test_it_is_as_clear_on_a_phone(desk: Desk) -> None:
    copy = issue(desk.home)
    desk.open(PHONE)
    desk.keep_picture("idle-390")
    assert list_barriers(desk.page) == []
    desk.read(copy.code)
    desk.sees("good", "200円引き")
    desk.keep_picture("good-390")
    assert list_barriers(desk.page) == []
    assert desk.page.run("document.documentElement.scrollWidth") == 390
