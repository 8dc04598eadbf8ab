"""The worker outlives its connections."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.app.sandbox.process import wait_for
from tests.conftest import MASTER_KEYS
from tests.serving import Installation, open_installation

pytestmark = pytest.mark.slow(seconds=25)


@pytest.fixture
def place(tmp_path: Path, worker_id: str) -> Iterator[Installation]:
    environment = {"NOREN_MASTER_KEYS": MASTER_KEYS, "NOREN_LOG_LEVEL": "info"}
    with open_installation(f"noren_worker_{worker_id}", tmp_path, **environment) as installation:
        yield installation


def said(place: Installation, event: bytes) -> int:
    return sum(log.read_bytes().count(event) for log in place.logs)


def test_a_worker_whose_connections_are_cut_begins_anew(place: Installation) -> None:
    worker = place.start("worker")
    wait_for(lambda: said(place, b"worker_started"), 60)
    name = psycopg.conninfo.conninfo_to_dict(place.urls.app)["dbname"]
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"

    def cut_until_noticed() -> int:
        admin.execute(cut, [name])  # again and again: a cut between two statements may pass unnoticed
        return said(place, b"database_lost")

    with psycopg.connect(os.environ["NOREN_TEST_ADMIN_URL"], autocommit=True) as admin:
        wait_for(cut_until_noticed, 60)
    wait_for(lambda: said(place, b"worker_started") >= 2, 60)
    assert worker.poll() is None
    worker.terminate()
    assert worker.wait(timeout=60) == 0


def test_a_worker_without_a_database_says_so_and_ends(place: Installation) -> None:
    worker = place.start("worker", NOREN_DATABASE_URL="postgresql://noren_app@127.0.0.1:9/noren")
    assert worker.wait(timeout=60) == 1
    assert said(place, b"OperationalError")
