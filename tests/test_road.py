"""The main road from end to end: rain is forecast, a coupon arrives in LINE, and at the month's end everybody is even.

One customer, two stores that settle with each other. LINE and the weather are the sandbox's, the phone, the wallet and
the till are pages in a browser, and what is sent is sent by a worker.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from app.auth import brand_key_of
from app.coupons import rotating
from app.database import Urls, make_engine
from app.jobs.queue import Clockwork
from app.settings import Settings
from app.weather.readings import JAPAN
from app.weather.tasks import tick
from app.worker import Worker
from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tenants.stores.models import Store
from tenants.stores.opening_hours import WEEKDAYS
from tenants.tables import utc_now
from tests import make
from tests.app.liff.served import Site, serve
from tests.app.liff.stage import Stage, open_stage
from tests.app.sandbox.phone.browser import Page, find_chromium, open_browser
from tests.app.sandbox.process import Shop
from tests.conftest import MASTER_KEYS, BrandHome, copy_template
from tests.running import RunningSandbox, run_sandbox

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium here")]

ASKED = "☔ 本日は雨の予報です。{{ coupon.url }}"


@pytest.fixture(scope="module")
def urls() -> Urls:
    """A database of this module's own: a worker works until nothing is due, of whichever brand."""
    return copy_template(f"road_{uuid7().hex}")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def settings(urls: Urls, sandbox: RunningSandbox) -> Settings:
    """Settings by which LINE and JMA are the sandbox."""
    here = sandbox.url
    return Settings(
        database_url=urls.app,
        owner_database_url=urls.owner,
        master_keys=MASTER_KEYS,
        pool_size=10,
        log_level="error",
        line_api_url=here,
        line_data_url=here,
        line_login_url=here,
        line_app_url=here,
        jma_url=here,
    )


@pytest.fixture(scope="module")
def engine(urls: Urls) -> Iterator[Engine]:
    engine = make_engine(urls.app, pool_size=10)
    yield engine
    engine.dispose()


class Road:
    """A brand with two stores, somebody who follows the first, and the pages that all of them use."""

    def __init__(self, stage: Stage, site: Site, page: Page, urls: Urls) -> None:
        self.stage, self.site, self.page, self.urls = stage, site, page, urls
        self.settings = stage.settings.model_copy(update={"public_url": site.url})
        page.neighbours = (stage.sandbox.url, site.url)
        agent = page.run("navigator.userAgent")
        page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="ja")
        with stage.home.open() as session:
            hours = {day: [["10:00", "23:59"]] for day in WEEKDAYS}
            stores = {store.name: store for store in session.exec(select(Store)).all()}
            for store in stores.values():
                store.opening_hours = hours
            self.shibuya, self.shinjuku = stores["渋谷店"].id, stores["新宿店"].id
            session.commit()
        self.person = stage.person("花子")
        stage.act(self.person, stage.accounts[0])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What head office is answered."""
        answer = self.site.app.request(method, path, json=body, headers=self.stage.home.headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def work(self) -> None:
        """Let a worker do all that is due."""
        asyncio.run(Worker(self.settings, self.urls).run(until_idle=True))

    def press(self, script: str) -> None:
        self.page.wait_for(f"document.readyState === 'complete' && {script}?.getClientRects().length")
        self.page.run(f"{script}.click()")

    def scan(self, code: str) -> None:
        """A reader types a code and presses Enter."""
        for letter in code:
            self.page.call("Input.dispatchKeyEvent", type="char", text=letter)
        self.page.press("Enter")

    def told(self, kind: str, headline: str) -> str:
        """All that the till's panel says, once it says this."""
        heading = f"document.querySelector('#panel.{kind} h1')"
        self.page.wait_for(f"{heading} && {heading}.textContent === {orjson.dumps(headline).decode()}")
        return str(self.page.run("document.getElementById('panel').innerText"))


@pytest.fixture
def road(
    home: BrandHome, keyring: Keyring, engine: Engine, settings: Settings, sandbox: RunningSandbox, urls: Urls
) -> Iterator[Road]:
    hands = Shop()
    try:
        with serve(settings) as site, open_browser() as page:
            yield Road(
                open_stage(home, keyring, engine, settings, site.app, sandbox, hands, site.url), site, page, urls
            )
    finally:
        hands.close()


def test_from_the_forecast_to_the_statement(road: Road, keyring: Keyring, engine: Engine) -> None:
    page, month = road.page, f"{datetime.now(JAPAN):%Y-%m}"

    # Head office: 200 yen off after rain, which the store that invited her bears, wherever she uses it.
    offer = {
        "name": "雨の日200円引き",
        "benefit": {"kind": "amount_off", "amount_yen": 200},
        "validity": {"hours_after_issue": 24},
        "all_stores": True,
        "funding": {"payer": "issuing_store"},
    }
    coupon_id = road.ask("POST", "/v1/coupons", offer)["id"]
    rule = {
        "name": "雨の昼",
        "status": "live",
        "condition": make.RAIN_AT_LUNCH,
        "decide_times": ["11:10"],
        "store_ids": [encode_id("store", road.shibuya)],
        "coupon_id": coupon_id,
        "messages": [{"type": "text", "text": ASKED}],
    }
    road.ask("POST", "/v1/weather-rules", rule)

    # The forecast says rain; the rule fires for the one store, the copy is issued, the message goes out.
    road.stage.sandbox.call("PUT", "/weather", {"scenario": "rain-at-lunch", "offices": ["130000"]})
    eleven = datetime.now(JAPAN).replace(hour=11, minute=10, second=0, microsecond=0)
    ticked = tick(Clockwork(engine, keyring, road.settings, utc_now()), eleven)
    assert [(one.store, one.reason) for one in ticked] == [("渋谷店", "fired")]
    road.work()

    # Her phone shows it.
    address = f"{road.site.url}/liff/coupons/{coupon_id}"
    channel = road.stage.line_ids[road.stage.accounts[0].id]
    page.open(f"{road.stage.sandbox.url}/phone/{road.person}#chat={channel}")
    page.wait_for("document.body.innerText.includes('本日は雨の予報です')")
    link = page.run("document.body.innerText.match(/https?:\\/\\/\\S+/)[0]")

    # She follows the link, lets LINE say who she is, and sees what she has.
    page.call("Page.navigate", url=link)
    page.wait_for(f"location.href === '{address}' && document.readyState === 'complete'")
    road.press("document.querySelector('form button')")
    road.press("document.querySelector('button[value=allow]')")
    page.wait_for(f"location.href === '{address}' && document.body?.innerText.includes('200円引き')")

    # Her wallet shows the code that the till reads; it changes every 30 seconds.
    page.visit(f"{road.site.url}/liff/wallet/{encode_id('acc', road.stage.accounts[0].id)}")
    road.press("document.querySelector('[data-code]').closest('details').querySelector('summary')")
    shown = page.wait_for("document.querySelector('[data-code]').dataset.shown")
    with road.stage.home.open() as session:
        read = rotating.read(shown)
        assert read is not None
        assert rotating.is_true(brand_key_of(session, keyring), read)

    # At the other store's till: taken once, and only once.
    with road.stage.home.open() as session:
        store = session.exec(select(Store).where(col(Store.id) == road.shinjuku)).one()
        _, secret = make.till_device(session, store)
        session.commit()
    page.call("Network.setCookie", name="noren-till", value=secret, url=road.site.url, httpOnly=True)
    page.visit(f"{road.site.url}/till", width=768, height=1024)
    page.wait_for("!document.getElementById('entry').hidden")
    shown = show_now(road, keyring, read.code)
    road.scan(shown)
    assert "雨の日200円引き" in road.told("good", "200円引き")
    again = road.site.app.post(
        "/v1/redemptions",
        json={"code": read.code, "store_id": encode_id("store", road.shibuya)},
        headers=road.stage.home.headers,
    )
    assert (again.status_code, again.json()["store"]) == (409, "新宿店")

    # The reports have all of it: who invited, who took it, and who owes whom.
    road.work()
    summary = road.ask("GET", "/v1/reports/summary?group_by=store")["items"]
    figures = {row["store_id"]: (row["sent"], row["issued"], row["redeemed"], row["discount_yen"]) for row in summary}
    shibuya, shinjuku = encode_id("store", road.shibuya), encode_id("store", road.shinjuku)
    assert figures[shibuya] == (1, 1, 0, 0)
    assert figures[shinjuku] == (0, 0, 1, 200)
    statement = road.ask("GET", f"/v1/reports/settlements?month={month}")["items"]
    assert {row["store_id"]: row["net_yen"] for row in statement} == {shibuya: -200, shinjuku: 200}
    (line,) = road.ask("GET", f"/v1/reports/settlements/lines?month={month}&store_id={shinjuku}")["items"]
    redemption = road.ask("GET", f"/v1/redemptions/{line['redemption_id']}")
    assert (redemption["coupon_id"], redemption["store_id"]) == (coupon_id, shinjuku)
    assert page.mistakes == []


def show_now(road: Road, keyring: Keyring, code: str) -> str:
    """What her wallet shows at this moment; the till is asked some seconds after she opened it."""
    with road.stage.home.open() as session:
        secret = rotating.secret_of(brand_key_of(session, keyring), code)
    return rotating.show(secret, code, utc_now())
