"""A store with a till, and a browser that is it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from app.coupons.models import IssuedCoupon
from app.keys import new_secret
from app.sessions import CSRF_HEADER
from tenants.stores.models import Store
from tenants.tills.models import TillDevice
from tests import make
from tests.conftest import BrandHome


@dataclass
class Till:
    """A browser that is a till of a store; `call` carries its cookie and its token."""

    api: TestClient
    store: Store
    device: TillDevice
    secret: str
    token: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """The answer to a call of the page."""
        cookie = {"Cookie": f"noren-till={self.secret}", CSRF_HEADER: self.token}
        answer: Response = self.api.request(method, f"/till{path}", json=body, headers={**cookie, **headers})
        return answer

    def scan(self, code: str, amount_yen: int | None = None, **headers: str) -> Response:
        """The answer to a scan."""
        body: dict[str, Any] = {"code": code, "ref": f"SCAN{next(self._numbers):08}"}
        if amount_yen is not None:
            body["amount_yen"] = amount_yen
        return self.call("POST", "/scan", body, **headers)


def open_till(api: TestClient, home: BrandHome, store: Store | None = None) -> Till:
    """A till of a store, new unless the test names one."""
    with home.open() as session:
        mine = store or make.store(session)
        device, secret = make.till_device(session, mine)
        session.commit()
    till = Till(api, mine, device, secret)
    till.token = till.call("GET", "/me").json()["csrf_token"]
    return till


def issue(home: BrandHome, *, coupon: dict[str, Any] | None = None, **changes: Any) -> IssuedCoupon:
    """A copy in somebody's hands, of a coupon with these changes."""
    with home.open() as session:
        offer = make.coupon(session, **(coupon or {}))
        person = make.customer(session, name="山田 花子")
        copy = make.issued_coupon(session, offer, person, **changes)
        session.commit()
    return copy


def unknown_secret() -> str:
    """A secret that is nobody's."""
    return new_secret("till")
