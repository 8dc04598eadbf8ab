"""Two `serve` processes and two workers: what was read is written when they stop, and each entry is sealed once."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tenants.ids import encode_id
from tests.app.sandbox.process import wait_for
from tests.conftest import MASTER_KEYS, BrandHome, new_home
from tests.serving import Installation, json_of, open_installation

pytestmark = pytest.mark.slow(seconds=30)


@pytest.fixture
def place(tmp_path: Path, worker_id: str) -> Iterator[Installation]:
    """An installation of this test's own."""
    with open_installation(f"noren_audit_{worker_id}", tmp_path, NOREN_MASTER_KEYS=MASTER_KEYS) as installation:
        yield installation


def count(home: BrandHome, table: str) -> int:
    with home.open() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_what_two_processes_gathered_is_written_as_they_stop_and_sealed(place: Installation) -> None:
    from tenants.sealing import Keyring

    home = new_home(place.engine, Keyring.parse(MASTER_KEYS))
    servers = [place.serve(), place.serve()]
    for number, served in enumerate(servers):
        with served.client(home.headers) as client:
            made = json_of(client.post("/v1/customers", json={"external_id": f"c-{number}"}))
            for _ in range(30):
                assert client.get(f"/v1/customers/{made['id']}").status_code == 200
    for served in servers:
        served.signal(signal.SIGTERM)
    for served in servers:
        served.process.wait(timeout=60)
    assert count(home, "audit_entry") == 2 + 60
    for _ in range(2):
        place.start("worker")
    assert wait_for(lambda: count(home, "audit_pending") == 0, 60)
    verified = place.run("audit", "verify", "--brand", encode_id("brand", home.scope.brand_id), "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    report = json.loads(verified.stdout)["brands"][0]
    assert (report["entries"], report["waiting"], report["breaches"]) == (62, 0, [])
