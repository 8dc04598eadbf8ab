"""Five stores that launch at the same second, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from fastapi.testclient import TestClient

from tenants.ids import encode_id
from tests import make
from tests.conftest import BrandHome

STORES = 5


def test_who_may_get_two_a_week_gets_two_of_five_that_are_launched_at_once(api: TestClient, home: BrandHome) -> None:
    caps = {"caps": {"per_customer": [{"messages": 2, "days": 7}]}}
    assert api.patch("/v1/brand", json=caps, headers=home.headers).status_code == 200
    with home.open() as session:
        stores = [make.store(session) for _ in range(STORES)]
        hers = make.follower(session, *(make.line_account(session, store) for store in stores)).id
        permissions = ["campaigns:read", "campaigns:write", "campaigns:launch"]
        keys = [make.store_key(session, store, permissions=permissions) for store in stores]
        session.commit()
    callers = [{"Authorization": f"Bearer {key}"} for key in keys]
    paths = [_draft(api, caller, encode_id("store", store.id)) for caller, store in zip(callers, stores, strict=True)]
    together = Barrier(STORES)

    def launch(number: int) -> Any:
        together.wait(30)
        return api.post(f"{paths[number]}/launch", headers=callers[number])

    with ThreadPoolExecutor(STORES) as threads:
        launched = list(threads.map(launch, range(STORES)))
    assert [answer.status_code for answer in launched] == [202] * STORES
    told = []
    for path, caller in zip(paths, callers, strict=True):
        (delivery,) = api.get(f"{path}/deliveries", headers=caller).json()["items"]
        assert delivery["customer_id"] == encode_id("cus", hers)
        told.append((delivery["status"], delivery["reason"]))
    assert sorted(told) == [("left_out", "cap")] * 3 + [("waiting", None)] * 2


def _draft(api: TestClient, caller: dict[str, str], store_id: str) -> str:
    body = {"name": "週末", "messages": [{"type": "text", "text": "お待ちしています"}], "store_id": store_id}
    answer = api.post("/v1/campaigns", json=body, headers=caller)
    assert answer.status_code == 201, answer.text
    return f"/v1/campaigns/{answer.json()['id']}"
