"""A member's pages as she uses them: in a browser, by the sandbox's login, on a phone and on a desk.

`NOREN_PICTURES` names a folder that gets a picture of each page.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import segno
from sqlmodel import col, select

from app.auth import brand_key_of
from app.cards.queries import find_by_number
from app.coupons import rotating
from app.coupons.models import IssuedCoupon
from app.customers.consents.queries import current_consents
from app.customers.models import Customer
from app.customers.preferences.queries import read_wishes
from app.liff.pages import coupon_path_of
from tenants.ids import encode_id
from tenants.stores.models import Store
from tenants.stores.opening_hours import WEEKDAYS
from tests import make
from tests.app.liff.served import Site
from tests.app.liff.stage import Stage
from tests.app.sandbox.phone.audit import list_barriers
from tests.app.sandbox.phone.browser import Page

pytestmark = pytest.mark.slow


class Visit:
    """She, her browser, and the brand's pages."""

    def __init__(self, stage: Stage, site: Site, page: Page) -> None:
        self.stage, self.site, self.page = stage, site, page
        self.slug = encode_id("acc", stage.accounts[0].id)
        self.person = stage.person("花子")
        stage.act(self.person, stage.accounts[0])
        self.customer = stage.customers()[0]
        page.neighbours = (stage.sandbox.url,)
        page.call("Network.clearBrowserCookies")
        self.speak("ja")
        page.visit(f"{site.url}/liff/static/x/rotating.js")
        page.run("localStorage.clear()")

    @property
    def store_id(self) -> str:
        """The store of the first account."""
        with self.stage.home.open() as session:
            return encode_id("store", session.exec(select(Store.id).where(col(Store.name) == "渋谷店")).one())

    def speak(self, language: str) -> None:
        """Her browser prefers this language from now on."""
        agent = self.page.run("navigator.userAgent")
        self.page.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def address(self, name: str) -> str:
        return f"{self.site.url}/liff/{name}/{self.slug}"

    def open(self, name: str, **size: Any) -> None:
        self.page.visit(self.address(name), **size)

    def sign_in(self, name: str) -> None:
        """By the page's button, LINE's pages, and back."""
        self.open(name)
        self.press("document.querySelector('.line')")
        self.press(f"document.querySelector('button.person[value=\"{self.person}\"]')")
        self.press("document.querySelector('button[value=allow]')")
        self.page.wait_for(f"location.href === '{self.address(name)}' && document.readyState === 'complete'")

    def press(self, script: str) -> None:
        """Press what an expression finds, once the page that has it is there."""
        self.page.wait_for(f"document.readyState === 'complete' && {script}?.getClientRects().length")
        self.page.run(f"{script}.click()")

    def picture(self, name: str) -> None:
        if folder := os.environ.get("NOREN_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.picture(Path(folder) / f"{name}.png")

    def check(self, name: str) -> None:
        """Anybody can use it, nothing is asked for elsewhere, and no script failed."""
        assert list_barriers(self.page) == []
        assert (self.page.outside, self.page.mistakes) == ([], [])
        assert self.page.run("document.documentElement.scrollWidth <= innerWidth")
        self.picture(name)


@pytest.fixture
def visit(shown: Stage, site: Site, browser: Page) -> Visit:
    return Visit(shown, site, browser)


def give_coupons(visit: Visit) -> IssuedCoupon:
    """Two that she can use and one that she used; the one that ends first."""
    with visit.stage.home.open() as session:
        store = session.exec(select(Store).where(col(Store.name) == "渋谷店")).one()
        store.latitude, store.longitude, store.address = 35.6595, 139.7005, "東京都渋谷区道玄坂1-2-3"
        store.opening_hours = {day: [["11:00", "15:00"], ["17:00", "26:00"]] for day in WEEKDAYS}
        her = session.get_one(Customer, (visit.stage.home.scope.brand_id, visit.customer.id))
        first = make.issued_coupon(session, make.coupon(session, name="雨の日の一杯", min_spend_yen=1000), her)
        gift = {"kind": "gift", "item": "焼き餃子"}
        make.issued_coupon(session, make.coupon(session, name="お誕生月のお祝い", benefit=gift), her)
        make.issued_coupon(session, make.coupon(session, name="はじめまして"), her, status="redeemed")
        session.commit()
        session.refresh(first)
        session.expunge(first)
        return first


def test_what_her_wallet_shows_a_till_takes(visit: Visit) -> None:
    first = give_coupons(visit)
    code = first.code
    visit.sign_in("wallet")
    page = visit.page
    assert "200円引き" in page.run("document.body.innerText")
    visit.check("wallet-390")
    ticket = f"document.querySelector('[data-code=\"{code}\"]')"
    visit.press(f"{ticket}.closest('details').querySelector('summary')")
    shown = page.wait_for(f"{ticket}.dataset.shown")
    read = rotating.read(shown)
    assert read is not None
    with visit.stage.home.open() as session:
        key = brand_key_of(session, visit.stage.keyring)
    assert read.code == code
    assert rotating.is_true(key, read)
    assert rotating.is_current(read, datetime.now(UTC))
    visit.check("wallet-open-390")
    page.visit(f"{visit.site.url}{coupon_path_of(first.coupon_id)}", height=1400)
    page.wait_for(f"{ticket}.dataset.shown")
    visit.check("coupon-390")
    till = {"code": shown, "store_id": visit.store_id, "amount_yen": 1500, "order_ref": "1"}
    assert visit.stage.post("/v1/redemptions", till).status_code == 201
    assert visit.stage.post("/v1/redemptions", {**till, "order_ref": "2"}).status_code == 409
    visit.open("wallet")
    assert "渋谷店 で使用しました" in page.run("document.body.innerText")
    visit.speak("en")
    visit.open("wallet", width=1280, height=900)
    assert "200 yen off" in page.run("document.body.innerText")
    visit.check("wallet-en-1280")


def test_a_symbol_is_the_one_that_another_encoder_draws(site: Site, browser: Page) -> None:
    script = f"{site.url}/liff/static/x/rotating.js"
    browser.visit(script)
    how: dict[str, Any] = {"error": "q", "version": 2, "mode": "alphanumeric", "boost_error": False}
    # Where the text ends with a byte, the other one adds a byte of zeros: readers pass over either.
    for text in ("0123456789AB-0K3Z8GZ4Q1XW", "7" * 29, "A", "2946500275334-2B1N3EZSYHR"):
        drawn = browser.run(f"import('{script}').then((module) => module.encode('{text}'))")
        # Of masks that are as good as each other either may be taken; the symbol says which.
        masks = [segno.make_qr(text, **how, mask=mask) for mask in range(8)]
        assert drawn in [[[bool(dark) for dark in row] for row in one.matrix] for one in masks]


def give_points(visit: Visit) -> None:
    """A programme with ranks, and 320 points of hers, on the way to the second one."""
    levels = [("regular", "レギュラー", "Regular", 0), ("gold", "ゴールド", "Gold", 500)]
    members = ("key", "name_ja", "name_en", "at_least")
    ranks = {"by": "points", "levels": [dict(zip(members, one, strict=True)) for one in levels]}
    programme = {"orders": {"yen_per_point": 100}, "expires_after_months": 12, "ranks": ranks}
    stage = visit.stage
    assert stage.app.put("/v1/points/programme", json=programme, headers=stage.home.headers).status_code == 200
    for source_ref, delta in (("1", 400), ("2", -80)):
        body = {"customer_id": encode_id("cus", visit.customer.id), "delta": delta, "source_ref": source_ref}
        assert stage.post("/v1/points", body).status_code == 201


def test_her_card_opens_in_the_basement(visit: Visit) -> None:
    give_points(visit)
    visit.sign_in("card")
    page = visit.page
    shown = page.wait_for("document.getElementById('rotating').dataset.shown")
    page.wait_for("document.documentElement?.dataset.kept")
    visit.check("card-390")
    visit.open("card", width=1280, height=900)
    page.wait_for("performance.getEntriesByName('card-shown')[0]?.startTime > 0")
    visit.check("card-1280")
    met = visit.stage.post("/v1/cards/resolve", {"code": shown, "store_id": visit.store_id})
    assert (met.status_code, met.json()["customer"]["nickname"]) == (200, "花子"), met.text
    visit.site.is_down = True
    visit.open("card")
    page.wait_for("performance.getEntriesByName('card-shown')[0]?.startTime > 0")
    assert page.run("performance.getEntriesByName('card-shown')[0].startTime") < 1500
    assert page.wait_for("document.getElementById('state').innerText").startswith("電波がないため")
    assert "あと100ポイントで「ゴールド」" in page.run("document.getElementById('standing').innerText")
    visit.check("card-offline-390")
    # As LINE opens it, with words of its own behind the address.
    page.visit(f"{visit.address('card')}?liff.referrer=x")
    page.wait_for("performance.getEntriesByName('card-shown')[0]?.startTime > 0")
    # A minute later, still down there.
    page.run("{ const now = Date.now; Date.now = () => now() + 60000; }")
    page.run("document.dispatchEvent(new Event('visibilitychange'))")
    later = page.wait_for(
        f"((shown) => shown !== '{shown}' && shown)(document.getElementById('rotating').dataset.shown)"
    )
    read, now = rotating.read(later), datetime.now(UTC)
    assert read is not None
    with visit.stage.home.open() as session:
        key = brand_key_of(session, visit.stage.keyring)
        card = find_by_number(session, read.code)
    assert card is not None
    assert card.customer_id == visit.customer.id
    assert rotating.is_true(key, read)
    assert rotating.is_current(read, now + timedelta(minutes=1))
    assert not rotating.is_current(read, now)


def test_who_removes_her_card_leaves_nothing_of_it(visit: Visit) -> None:
    visit.sign_in("card")
    visit.page.wait_for("document.documentElement?.dataset.kept")
    visit.press("document.querySelector('#leave button')")
    visit.page.wait_for("document.readyState === 'complete' && !document.querySelector('#sign-in')?.hidden")
    assert visit.page.run("localStorage.length") == 0
    assert visit.page.run("caches.keys()") == []
    visit.site.is_down = True
    assert visit.page.run(f"fetch('{visit.address('card')}/data').then(() => 'there', () => 'nothing')") == "nothing"


def test_what_she_sets_is_kept_and_obeyed(visit: Visit) -> None:
    visit.sign_in("preferences")
    page = visit.page
    visit.check("preferences-390")
    page.run("document.querySelector('[name=wanted]').click()")
    page.run("document.querySelector('[name=pause]').click()")
    page.run("document.querySelector('[name^=store]').click()")
    visit.press("document.querySelector('form button')")
    page.wait_for("document.querySelector('.saved')")
    visit.check("preferences-saved-390")
    ticked = "[...document.querySelectorAll('[type=checkbox]')].map((one) => one.checked)"
    assert page.run(ticked) == [False, True, False]
    assert "お休み中" in page.run("document.body.innerText")
    visit.speak("en")
    visit.open("preferences", width=1280, height=900)
    visit.check("preferences-en-1280")
    with visit.stage.home.open() as session:
        wishes = read_wishes(session, [visit.customer.id], datetime.now(UTC))
        (said,) = current_consents(session, [visit.customer.id])[visit.customer.id]
    assert (said.purpose, said.channel, said.is_granted) == ("marketing", "line", False)
    assert wishes.paused_until is not None
    assert len(wishes.muted_store_nos) == 1


def test_all_of_her_data_is_shown_and_goes_when_she_says_so_twice(visit: Visit) -> None:
    visit.sign_in("card")
    visit.page.wait_for("document.documentElement?.dataset.kept")
    page = visit.page
    visit.open("me")
    assert "花子" in page.run("document.querySelector('.facts').innerText")
    visit.check("me-390")
    visit.open("me", width=1280, height=1100)
    visit.check("me-1280")
    data = page.run(f"fetch('{visit.address('me')}/data.json').then((answer) => answer.json())")
    assert data["id"] == encode_id("cus", visit.customer.id)
    assert len(data["member_cards"]) == 1
    visit.press("document.querySelector('.erase')")
    page.wait_for("document.querySelector('[name=agree]')")
    visit.check("erase-390")
    page.run("document.querySelector('[name=agree]').click()")
    visit.press("document.querySelector('.grave')")
    page.wait_for("document.querySelector('[name=sure]')")
    visit.check("erase-sure-390")
    visit.press("document.querySelector('.grave')")
    page.wait_for("document.documentElement?.dataset.forgotten")
    visit.check("erased-390")
    assert page.run("localStorage.length") == 0
    assert page.run("fetch('/liff/session').then((answer) => answer.status)") == 401
    assert visit.stage.customers() == [] or all(one.erased_at for one in visit.stage.customers())
