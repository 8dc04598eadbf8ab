"""A worker that dies in the middle of a large file: another goes on, and nobody is lost or made twice."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.bench.people_file import is_bad, write_rows
from app.settings import Settings
from tenants.ids import decode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.customers.imports.conftest import Desk
from tests.conftest import BrandHome, new_home

pytestmark = pytest.mark.slow(seconds=30)

ROWS = 50_000
BAD = [number + 2 for number in range(ROWS) if is_bad(number)]
"""Lines of the file, of which the first is the header."""

_WORK = """
import sys
from datetime import UTC, datetime
from uuid import UUID
from app.customers.imports.tasks import import_customers
from app.database import make_engine
from app.jobs.queue import Work
from app.settings import Settings
from tenants.sealing import Keyring
url, keys, brand, operation = sys.argv[1:]
work = Work(make_engine(url, pool_size=4), Keyring.parse(keys), Settings(), datetime.now(UTC), UUID(brand))
import_customers(work, UUID(operation))
"""


@pytest.fixture(scope="module")
def taken(api: TestClient, engine: Any, settings: Settings, keyring: Keyring) -> tuple[Desk, Any, Any]:
    """A large file whose worker was killed, worked off by another; then the same file once more."""
    home: BrandHome = new_home(engine, keyring)
    with home.open() as session:
        for number in range(1, 21):
            make.store(session, code=f"S{number:04}")
        session.commit()
    desk = Desk(api, home, settings, keyring)
    file = "".join(write_rows(ROWS)).encode("cp932")
    operation_id = desk.begin(file)
    _die_in_the_middle(desk, operation_id)
    first = desk.finish(operation_id)
    return desk, first, desk.run(file)


def _die_in_the_middle(desk: Desk, operation_id: str) -> None:
    """Begin to work in another process, and kill it once some batches are in."""
    assert desk.settings.database_url is not None
    assert desk.settings.master_keys is not None
    arguments = [
        desk.settings.database_url.get_secret_value(),
        desk.settings.master_keys.get_secret_value(),
        str(desk.home.scope.brand_id),
        str(decode_id("op", operation_id)),
    ]
    child = subprocess.Popen([sys.executable, "-c", _WORK, *arguments], stderr=subprocess.DEVNULL)  # noqa: S603
    until = time.monotonic() + 60
    while desk.look(operation_id)["progress"]["done"] == 0 and time.monotonic() < until:
        assert child.poll() is None, "the worker ended by itself"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    stopped = desk.look(operation_id)
    assert stopped["status"] == "running"
    assert 0 < stopped["progress"]["done"] < ROWS


def test_every_good_row_is_in_and_every_bad_one_is_told(taken: tuple[Desk, Any, Any]) -> None:
    desk, first, _ = taken
    result = {name: first["result"][name] for name in ("rows", "created", "changed", "unchanged", "failed")}
    assert result == {"rows": ROWS, "created": ROWS - len(BAD), "changed": 0, "unchanged": 0, "failed": len(BAD)}
    errors = desk.errors(first)
    assert [int(one["line"]) for one in errors] == BAD
    assert {one["column"] for one in errors} == {"電話番号"}
    assert first["progress"] == {"done": ROWS, "total": ROWS}


def test_nobody_is_made_twice_and_the_details_agree_with_the_summary(taken: tuple[Desk, Any, Any]) -> None:
    desk, _, _ = taken
    asked = """
    SELECT count(*), count(DISTINCT member_number), count(*) FILTER (WHERE cardinality(store_nos) = 1),
        (SELECT count(*) FROM customer_store WHERE brand_id = :brand_id),
        sum(cardinality(tag_nos)), (SELECT count(*) FROM customer_tag WHERE brand_id = :brand_id)
    FROM customer WHERE brand_id = :brand_id
    """
    with desk.home.open() as session:
        row = session.connection().execute(text(asked), {"brand_id": session.scope.brand_id}).one()
    people, members, tied, ties, tagged, tags = row
    assert people == members == tied == ties == ROWS - len(BAD)
    assert tagged == tags > 0


def test_the_same_file_again_changes_nobody(taken: tuple[Desk, Any, Any]) -> None:
    desk, first, again = taken
    result = {name: again["result"][name] for name in ("created", "changed", "unchanged", "failed")}
    assert result == {"created": 0, "changed": 0, "unchanged": ROWS - len(BAD), "failed": len(BAD)}
    with desk.home.open() as session:
        later = session.connection().execute(
            text("SELECT count(*) FROM customer WHERE brand_id = :brand_id AND updated_at > :until"),
            {"brand_id": session.scope.brand_id, "until": first["finished_at"]},
        )
        assert later.scalar_one() == 0


def test_the_file_itself_is_gone_once_it_is_worked_off(taken: tuple[Desk, Any, Any]) -> None:
    desk, _, _ = taken
    with desk.home.open() as session:
        names = session.connection().execute(
            text("SELECT DISTINCT name FROM operation_file WHERE brand_id = :brand_id"),
            {"brand_id": session.scope.brand_id},
        )
        assert set(names.scalars()) == {"errors.csv"}
