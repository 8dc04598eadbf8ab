"""A deleted brand leaves nothing but its receipt, and no other brand's row is touched."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session, update

from app.database import Urls
from app.operators.deletion import NotMarked, digest_of_receipt, list_brand_tables, purge
from tenants.operators.models import DeletionReceipt
from tenants.operators.queries import get_receipt
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import call, commit_channel, told, write_call
from tests.app.operators.conftest import Call, Furnish, id_of, path_of
from tests.app.operators.furnished import count_rows, digest_rows
from tests.conftest import MASTER_KEYS, BrandHome

ROOT = Path(__file__).parents[3]
AT_ONCE = timedelta()


def mark(operate: Call, home: BrandHome) -> dict[str, object]:
    """Suspend a brand and ask for its deletion."""
    operate("POST", f"{path_of(home)}/suspend", json={"reason": "解約"})
    answer = operate("POST", f"{path_of(home)}/delete", json={"confirm": "のれん食堂"})
    assert answer.status_code == 202, answer.text
    receipt: dict[str, object] = answer.json()
    return receipt


def test_no_row_of_a_deleted_brand_is_left_in_any_table(
    operate: Call, home: BrandHome, other_home: BrandHome, owner: Engine, admin: Connection, furnish: Furnish
) -> None:
    for one in (home, other_home):
        furnish(one, rows=3)
    before = digest_rows(admin, other_home.scope.brand_id)
    mark(operate, home)
    rows = count_rows(admin, home.scope.brand_id)
    assert {str(table.name) for table in list_brand_tables()} - {"credential_hash"} <= set(rows)
    receipt = purge(owner, home.scope.brand_id, forgotten_after=AT_ONCE, chunk_rows=2)
    assert count_rows(admin, home.scope.brand_id) == {}
    assert digest_rows(admin, other_home.scope.brand_id) == before
    # Sealing the log before it goes adds seals, and takes the marks of what waited for one.
    for table in ("audit_seal", "audit_pending"):
        receipt.rows.pop(table, None)
        rows.pop(table, None)
    assert receipt.rows == rows | {"credential_hash": 4}  # three furnished, and the token of the brand's client


def test_a_receipt_is_kept_and_proves_itself(operate: Call, home: BrandHome, owner: Engine) -> None:
    begun = mark(operate, home)
    assert (begun["deleted_at"], begun["digest"], begun["operator"]) == (None, None, "当直")
    receipt = purge(owner, home.scope.brand_id, forgotten_after=AT_ONCE)
    shown = operate("GET", f"/deletions/{id_of(home)}").json()
    assert shown["brand_name"] == "のれん食堂"
    assert shown["audit_hash"] == bytes(receipt.audit_hash or b"").hex() != ""
    assert shown["digest"] == digest_of_receipt(receipt).hex()
    receipt.rows = receipt.rows | {"customer": 1}
    assert shown["digest"] != digest_of_receipt(receipt).hex()
    assert operate("GET", path_of(home)).status_code == 404
    assert purge(owner, home.scope.brand_id, forgotten_after=AT_ONCE).digest == digest_of_receipt_of(owner, home)


def digest_of_receipt_of(owner: Engine, home: BrandHome) -> bytes | None:
    with Session(owner) as session:
        return get_receipt(session, home.scope.brand_id).digest


def test_the_app_cannot_change_a_receipt(operate: Call, home: BrandHome, engine: Engine) -> None:
    mark(operate, home)
    with Session(engine) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.exec(update(DeletionReceipt).values(rows={}))


def test_from_the_mark_on_every_credential_is_dead_and_webhooks_are_refused(
    api: TestClient, operate: Call, home: BrandHome, keyring: Keyring
) -> None:
    channel = commit_channel(home, keyring)
    with home.open() as session:
        key = make.store_key(session, make.store(session))
        client, secret = make.api_client(session)
        client_id = make_client_id(client.id)
        session.commit()
    support = operate(
        "POST", f"{path_of(home)}/support-grants", json={"reason": "x", "minutes": 9, "permissions": ["brand:read"]}
    ).json()["token"]
    for token in (home.token, key, support):
        assert api.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    mark(operate, home)
    for token in (home.token, key, support):
        assert api.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    form = {"grant_type": "client_credentials"}
    assert api.post("/oauth/token", data=form, auth=(client_id, secret)).status_code == 401
    assert call(api, channel, write_call(channel, told("follow", make.line_user_id()))).status_code == 404


def make_client_id(value: UUID) -> str:
    from tenants.ids import encode_id

    return encode_id("client", value)


def test_deleting_needs_the_brands_name_and_a_suspended_brand(operate: Call, home: BrandHome) -> None:
    assert operate("POST", f"{path_of(home)}/delete", json={"confirm": "のれん食堂"}).status_code == 409
    operate("POST", f"{path_of(home)}/suspend", json={"reason": "解約"})
    wrong = operate("POST", f"{path_of(home)}/delete", json={"confirm": "のれん 食堂"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/confirm")
    assert operate("GET", path_of(home)).json()["status"] == "suspended"


def test_what_is_marked_stays_marked(operate: Call, home: BrandHome) -> None:
    mark(operate, home)
    body = {"reason": "x", "minutes": 9, "permissions": ["brand:read"]}
    for path, sent in (("/resume", None), ("/suspend", {"reason": "x"}), ("/support-grants", body)):
        assert operate("POST", f"{path_of(home)}{path}", json=sent).status_code == 409
    assert operate("POST", f"{path_of(home)}/delete", json={"confirm": "のれん食堂"}).status_code == 409


def test_a_brand_that_is_not_marked_is_not_purged(home: BrandHome, owner: Engine, admin: Connection) -> None:
    with pytest.raises(NotMarked):
        purge(owner, home.scope.brand_id, forgotten_after=AT_ONCE)
    assert count_rows(admin, home.scope.brand_id)["brand"] == 1


@pytest.mark.slow(seconds=25)
def test_a_deletion_that_was_killed_goes_on_and_its_receipt_counts_every_row_once(
    operate: Call, home: BrandHome, owner: Engine, admin: Connection, urls: Urls, furnish: Furnish
) -> None:
    furnish(home, rows=12)
    mark(operate, home)
    rows = count_rows(admin, home.scope.brand_id)
    program = (
        "import sys; from datetime import timedelta; from uuid import UUID\n"
        "from app.database import make_engine; from app.operators.deletion import purge\n"
        "purge(make_engine(sys.argv[1]), UUID(sys.argv[2]), forgotten_after=timedelta(), chunk_rows=1)"
    )
    for _ in range(3):
        before = sum(count_rows(admin, home.scope.brand_id).values())
        environment = {**os.environ, "NOREN_MASTER_KEYS": MASTER_KEYS}
        arguments = [sys.executable, "-c", program, urls.owner, str(home.scope.brand_id)]
        running = subprocess.Popen(arguments, cwd=ROOT, env=environment)  # noqa: S603 - our own program
        deadline = time.monotonic() + 30
        while sum(count_rows(admin, home.scope.brand_id).values()) > before - 60:
            assert time.monotonic() < deadline, "it did not begin"
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
    left = count_rows(admin, home.scope.brand_id)
    assert left, "it was too fast to be killed in the middle"
    receipt = purge(owner, home.scope.brand_id, forgotten_after=AT_ONCE)
    assert count_rows(admin, home.scope.brand_id) == {}
    for table in ("audit_seal", "audit_pending"):
        receipt.rows.pop(table, None)
        rows.pop(table, None)
    assert receipt.rows == rows | {"credential_hash": 13}
    assert receipt.audit_hash is not None
