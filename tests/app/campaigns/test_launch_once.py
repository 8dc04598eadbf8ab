"""However many launch a campaign at the same instant, it runs once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from tenants.sealing import Keyring
from tests import make
from tests.conftest import MASTER_KEYS, new_home
from tests.serving import json_of, open_installation

pytestmark = pytest.mark.slow

CALLERS = 20


def test_twenty_who_launch_at_once_launch_once(tmp_path: Path, worker_id: str, keyring: Keyring) -> None:
    with open_installation(f"noren_launch_{worker_id}", tmp_path, NOREN_MASTER_KEYS=MASTER_KEYS) as place:
        home = new_home(place.engine, keyring)
        with home.open() as session:
            account = make.line_account(session, make.store(session))
            for _ in range(30):
                make.follower(session, account)
            token = make.access_token(session)
            session.commit()
        served = place.serve()
        headers = {"Authorization": f"Bearer {token}"}
        with served.client(headers) as client:
            draft = {"name": "お知らせ", "messages": [{"type": "text", "text": "こんにちは"}]}
            path = f"/v1/campaigns/{json_of(client.post('/v1/campaigns', json=draft))['id']}/launch"
        ready = threading.Barrier(CALLERS)

        def launch(_: int) -> int:
            with served.client(headers) as client:
                ready.wait()
                return client.post(path).status_code

        with ThreadPoolExecutor(CALLERS) as callers:
            statuses = Counter(callers.map(launch, range(CALLERS)))
        with home.open() as session:
            runs = session.execute(text("SELECT count(*) FROM run")).scalar_one()
            people = session.execute(text("SELECT count(*), count(DISTINCT customer_id) FROM delivery")).one()
    assert statuses == {202: 1, 409: CALLERS - 1}
    assert runs == 1
    assert people == (30, 30)
