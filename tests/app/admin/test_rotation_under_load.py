"""A key is replaced while it is used: over HTTP no request fails, and after the overlap the old one opens nothing."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tenants.ids import encode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.sandbox.process import wait_for
from tests.conftest import MASTER_KEYS, BrandHome, new_home
from tests.serving import Call, Installation, Served, SteadyLoad, expect, json_of, open_installation

pytestmark = pytest.mark.slow(seconds=75)

OVERLAP_SECONDS = 6


@pytest.fixture
def place(tmp_path: Path, worker_id: str) -> Iterator[Installation]:
    with open_installation(f"noren_rotation_{worker_id}", tmp_path, NOREN_MASTER_KEYS=MASTER_KEYS) as installation:
        yield installation


class Till:
    """Whoever holds a key and is told a new one while it works."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._ends: dict[str, float] = {}

    def call(self) -> Call:
        """A call that must succeed; only with a key whose overlap is over may it be refused."""
        key = self.key

        def complaint(status: int, body: bytes) -> str | None:
            over = status == 401 and time.monotonic() > self._ends.get(key, float("inf"))
            return None if over else expect(200)(status, body)

        return Call("GET", "/v1/me", complaint, None, {"Authorization": f"Bearer {key}"})

    def rotating(self) -> None:
        """The key in use opens for no less than the overlap from now on."""
        self._ends[self.key] = time.monotonic() + OVERLAP_SECONDS


def make_key(served: Served, home: BrandHome, path: str, **body: Any) -> dict[str, Any]:
    with served.client(home.headers) as client:
        made: dict[str, Any] = json_of(client.post(path, json={"name": "レジ", **body}))
    return made


@pytest.mark.parametrize("kind", ["store", "partner"])
def test_a_key_is_rotated_at_100_requests_a_second_and_none_fails(place: Installation, kind: str) -> None:
    home = new_home(place.engine, Keyring.parse(MASTER_KEYS))
    with home.open() as session:
        store_ids = [encode_id("store", make.store(session).id)]
        session.commit()
    served = place.serve()
    made = make_key(served, home, f"/v1/{kind}-keys", store_ids=store_ids, permissions=["stores:read"])
    till = Till(made["key"])
    with SteadyLoad(served.url, till.call, per_second=100) as load:
        wait_for(lambda: load.answered > 50)
        with served.client(home.headers) as client:
            path = f"/v1/{kind}-keys/{made['id']}/rotate"
            till.rotating()
            rotated = json_of(client.post(path, json={"overlap_seconds": OVERLAP_SECONDS}))
        beside = load.answered
        wait_for(lambda: load.answered > beside + 100)  # the old key, beside the new one
        till.key = rotated["key"]
        after = load.answered
        with served.client({"Authorization": f"Bearer {made['key']}"}) as client:
            wait_for(lambda: client.get("/v1/me").status_code == 401, OVERLAP_SECONDS + 60)
        wait_for(lambda: load.answered > after + 100)
    assert load.complaints == []
    with served.client() as client:
        assert status(client, made["key"]) == 401
        assert status(client, rotated["key"]) == 200


def status(client: httpx.Client, key: str) -> int:
    return client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code


def test_several_processes_share_one_limit(place: Installation) -> None:
    quota = 100
    home = new_home(place.engine, Keyring.parse(MASTER_KEYS))
    processes = [place.serve(NOREN_RATE_LIMIT=str(quota)) for _ in range(2)]
    found: list[int] = []

    def press(served: Served) -> None:
        with served.client(home.headers) as client:
            found.extend(client.get("/v1/me").status_code for _ in range(quota))

    threads = [threading.Thread(target=press, args=(served,)) for served in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one: found.count(one) for one in set(found)} == {200: quota, 429: quota}
