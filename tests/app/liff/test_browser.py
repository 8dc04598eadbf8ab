"""A member's pages as she uses them: in a browser, by the sandbox's login, on a phone and on a desk.

`NOREN_PICTURES` names a folder that gets a picture of each page.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from app.auth import brand_key_of
from app.coupons import rotating
from app.customers.models import Customer
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


def give_coupons(visit: Visit) -> str:
    """Two that she can use and one that she used; the code of the one that ends first."""
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
        return first.code


def test_what_her_wallet_shows_a_till_takes(visit: Visit) -> None:
    code = give_coupons(visit)
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
    visit.speak("en")
    visit.open("wallet", width=1280, height=900)
    assert "200 yen off" in page.run("document.body.innerText")
    visit.check("wallet-en-1280")
