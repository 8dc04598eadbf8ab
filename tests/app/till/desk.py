"""A clerk at a counter: a browser, a reader that types, and a network that can fail."""

import os
from pathlib import Path
from typing import Any

import orjson

from tests import make
from tests.app.liff.served import Site
from tests.app.sandbox.phone.browser import Page
from tests.app.till.stage import Till, open_till
from tests.conftest import BrandHome

TABLET, PHONE = (768, 1024), (390, 844)


class Desk:
    """The page of a till of 渋谷店, open in a browser."""

    def __init__(self, home: BrandHome, site: Site, page: Page, language: str = "ja") -> None:
        self.home, self.site, self.page = home, site, page
        with home.open() as session:
            self.store = make.store(session, name="渋谷店")
            self.device, self.secret = make.till_device(session, self.store)
            session.commit()
        site.is_down = False
        page.call("Network.clearBrowserCookies")
        agent = page.run("navigator.userAgent")
        page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        page.visit(f"{site.url}/till/static/icon.svg")
        page.run("localStorage.clear()")
        page.mistakes.clear()

    def sign_in(self, size: tuple[int, int] = TABLET) -> None:
        """Open the page as the till that it is."""
        self.page.call("Network.setCookie", name="noren-till", value=self.secret, url=self.site.url, httpOnly=True)
        self.open(size)

    def open(self, size: tuple[int, int] = TABLET) -> None:
        """Open the page, or open it anew."""
        self.page.visit(f"{self.site.url}/till", width=size[0], height=size[1])
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until the page takes codes."""
        self.page.wait_for("location.pathname === '/till' && Boolean(document.querySelector('#entry:not([hidden])'))")
        self.page.wait_for("document.activeElement.id === 'code'")

    def fetch_list(self) -> None:
        """Open the page anew, so that it holds the list as it is now and opens without a network."""
        self.page.wait_for("localStorage.getItem('till.list')")  # or an older one, still on its way, would be kept
        self.page.run("localStorage.removeItem('till.list')")
        self.open()
        self.page.wait_for("localStorage.getItem('till.list') && Boolean(navigator.serviceWorker.controller)")

    def other_till(self) -> Till:
        """A till of another store, whose network does not fail."""
        with self.home.open() as session:
            store = make.store(session, name="新宿店")
            session.commit()
        return open_till(self.site.app, self.home, store)

    def read(self, code: str, *, enter: bool = True) -> None:
        """Type a code as a barcode reader does: key by key and then Enter; or, if it sends no Enter, in one burst."""
        if not enter:
            self.page.type(code)
            return
        for letter in code:
            self.page.call("Input.dispatchKeyEvent", type="char", text=letter)
        self.page.press("Enter")

    def sees(self, kind: str, headline: str) -> str:
        """All that stands on the panel, once it is of this kind and says this."""
        heading = f"document.querySelector('#panel.{kind} h1')"
        self.page.wait_for(f"{heading} && {heading}.textContent === {orjson.dumps(headline).decode()}", 60)
        return str(self.page.run("document.getElementById('panel').innerText"))

    def kept(self, name: str) -> Any:
        """What the page keeps in the browser."""
        return self.page.run(f"JSON.parse(localStorage.getItem('till.{name}'))")

    def keep_picture(self, name: str) -> None:
        """A picture of the page, if `NOREN_PICTURES` names a folder for it."""
        if folder := os.environ.get("NOREN_PICTURES"):
            self.page.picture(Path(folder) / f"{name}.png")
