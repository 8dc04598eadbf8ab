"""Keys are replaced while the service runs: no request fails, and afterwards everything opens without the old key."""

import itertools
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, text
from sqlmodel import select

import migrations.models  # noqa: F401 - so that every table is known
from app.admin import sealed
from app.idempotency import IdempotencyKey
from app.keys import new_master_key
from app.line.signature import sign
from tenants.brands.models import Brand
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring, parse_keys
from tenants.tables import Table
from tests import make
from tests.app.inbound.calls import Channel, open_channel, told, write_call
from tests.conftest import BrandHome, new_home
from tests.serving import Call, Installation, SteadyLoad, expect, expect_body, json_of, open_installation

pytestmark = pytest.mark.slow(seconds=100)

ACCOUNTS = 150
OTHER_BYTES = {
    "brand.wrapped_key": "wrapped",
    "account_link.nonce_digest": "hash",
    "api_client.secret_digest": "hash",
    "api_client.previous_digest": "hash",
    "audit_seal.hash": "hash",
    "credential_hash.digest": "hash",
    "deletion_receipt.audit_hash": "hash",
    "deletion_receipt.digest": "hash",
    "idempotency_key.request_digest": "hash",
    "line_forward_call.body": "what LINE sent, kept until it is sent on",
    "media_file.content": "an image for messages, which everybody who gets one sees",
    "operation_file.content": "a file that was sent or made, compressed, until it is fetched or its time is over",
    "operator_key.digest": "hash",
    "operator_request.request_digest": "hash",
    "till_device.pin_digest": "hash",
    "forecast_issue.content_hash": "hash",
    "forecast_issue.raw": "published by the weather agency",
    "weather_feed_body.content_hash": "hash",
    "weather_feed_body.raw": "published by the weather agency",
}
"""Columns of bytes that hold nothing sealed, and what they hold."""


def test_every_column_of_bytes_is_known_as_sealed_or_as_something_else() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in Table.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert columns == {one.name for one in sealed.SEALED} | set(OTHER_BYTES)


def key_file(folder: Path, *lines: str) -> Path:
    """Write the file of master keys as an operator should: whole, and then put in place."""
    path = folder / "master-keys"
    (folder / "master-keys.new").write_text("\n".join(lines) + "\n")
    os.replace(folder / "master-keys.new", path)
    return path


@pytest.fixture
def place(tmp_path: Path, worker_id: str) -> Iterator[Installation]:
    key_file(tmp_path, new_master_key("old"))
    keys = f"file:{tmp_path}/master-keys"
    with open_installation(f"noren_keys_{worker_id}", tmp_path, NOREN_MASTER_KEYS=keys) as installation:
        yield installation


def read_keys(place: Installation) -> Keyring:
    return Keyring(parse_keys((place.folder / "master-keys").read_text()))


class Shop:
    """A brand with accounts, and the calls that read sealed things: webhooks, kept answers, checks, cursors."""

    def __init__(self, home: BrandHome, keyring: Keyring) -> None:
        self.home = home
        with home.open() as session:
            store = make.store(session)
            self.channels = [open_channel(session, keyring, store) for _ in range(ACCOUNTS)]
            session.commit()
        self.kept: list[tuple[dict[str, str], bytes, bytes]] = []
        self.cursor = ""
        self._turn = itertools.count()

    def prepare(self, client: Any) -> None:
        """Make the answers to be replayed, and the first cursor."""
        for number in range(10):
            headers = {**self.home.headers, "Idempotency-Key": f"k-{number}", "Content-Type": "application/json"}
            body = json.dumps({"name": f"札{number}"}).encode()
            answer = client.post("/v1/tags", content=body, headers=headers)
            assert answer.status_code == 201
            self.kept.append((headers, body, answer.content))
        self.cursor = json_of(client.get("/v1/tags?limit=1", headers=self.home.headers))["next_cursor"]

    def call(self) -> Call:
        """The next call of a steady mixture."""
        turn = next(self._turn)
        if turn % 5 == 0:
            return self.page()
        if turn % 5 == 1:
            headers, body, answer = self.kept[turn // 5 % len(self.kept)]
            return Call("POST", "/v1/tags", expect_body(201, answer), body, headers)
        if turn % 25 == 2:
            account = encode_id("acc", self.channels[turn % ACCOUNTS].id)
            return Call("POST", f"/v1/line-accounts/{account}/check", expect(200), b"", self.home.headers)
        if turn % 25 == 7:
            body = json.dumps({"channel_secret": self.channels[0].secret}).encode()
            account = encode_id("acc", self.channels[0].id)
            headers = {**self.home.headers, "Content-Type": "application/json"}
            return Call("PATCH", f"/v1/line-accounts/{account}", expect(200), body, headers)
        if turn % 25 == 12:
            headers = {**self.home.headers, "Idempotency-Key": f"new-{turn}", "Content-Type": "application/json"}
            return Call("POST", "/v1/tags", expect(201), json.dumps({"name": f"新{turn}"}).encode(), headers)
        return webhook(self.channels[turn % ACCOUNTS])

    def page(self) -> Call:
        """A page by the cursor of the page before, or by the first one anew."""

        def complain(status: int, body: bytes) -> str | None:
            if status != 200:
                return f"{status} {body[:300]!r}"
            self.cursor = json.loads(body)["next_cursor"] or ""
            return None

        cursor = f"&cursor={self.cursor}" if self.cursor else ""
        return Call("GET", f"/v1/tags?limit=1{cursor}", complain, None, self.home.headers)


def webhook(channel: Channel) -> Call:
    body = write_call(channel, told("message", make.line_user_id()))
    return Call("POST", channel.path, expect(200), body, {"x-line-signature": sign(channel.secret, body).decode()})


def run_keys(place: Installation, *arguments: str) -> dict[str, Any]:
    done = place.run("keys", *arguments, "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    about: dict[str, Any] = json.loads(done.stdout)
    return about


def test_both_kinds_of_key_are_replaced_under_load_and_no_request_fails(place: Installation) -> None:
    shop = Shop(new_home(place.engine, read_keys(place)), read_keys(place))
    served = place.serve()
    with served.client() as client:
        shop.prepare(client)
    old_cursor = shop.cursor
    old, new = (place.folder / "master-keys").read_text().strip(), new_master_key("new")
    with SteadyLoad(served.url, shop.call, per_second=40) as load:
        key_file(place.folder, new, old)
        assert run_keys(place, "rotate")["rewrapped"] == 1
        with served.client(shop.home.headers) as client:
            assert client.get(f"/v1/tags?limit=1&cursor={old_cursor}").status_code == 200
        about = run_keys(place, "rotate", "--data-keys")
        assert about["resealed"] >= ACCOUNTS + 10
        about = run_keys(place, "check")
        assert (about["removable"], about["undecryptable"], about["unopened_brands"]) == (["old"], {}, 0)
        key_file(place.folder, new)
        answered = load.answered
        assert run_keys(place, "rotate", "--data-keys")["resealed"] >= ACCOUNTS + 10
        assert load.answered > answered
    assert load.complaints == []
    assert load.answered > 200
    with served.client(shop.home.headers) as client:
        assert client.get(f"/v1/tags?limit=1&cursor={old_cursor}").status_code == 422, "the old key is forgotten"
    served.kill()
    opens_everything(place, shop)


def opens_everything(place: Installation, shop: Shop) -> None:
    """A process that never knew the old key opens all that was sealed before."""
    about = run_keys(place, "check")
    assert about["master_keys"] == {"new": 1}
    assert about["values"]["line_account.sealed_secret"] == ACCOUNTS
    assert about["values"]["idempotency_key.answer"] >= 10
    served = place.serve()
    with served.client() as client:
        for headers, body, answer in shop.kept:
            assert client.post("/v1/tags", content=body, headers=headers).content == answer
        for channel in shop.channels:
            call = webhook(channel)
            assert client.post(call.path, content=call.body, headers=call.headers).status_code == 200


@pytest.fixture
def shop(place: Installation) -> Shop:
    return Shop(new_home(place.engine, read_keys(place)), read_keys(place))


def test_the_check_says_what_does_not_open_and_fails(place: Installation, shop: Shop) -> None:
    with shop.home.open() as session:
        session.execute(
            text("UPDATE line_account SET sealed_secret = '\\x0102' WHERE id = :id"), {"id": shop.channels[0].id}
        )
        session.commit()
    done = place.run("keys", "check", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["undecryptable"] == {"line_account.sealed_secret": 1}


def test_old_data_keys_are_kept_while_something_does_not_open(place: Installation, shop: Shop) -> None:
    with shop.home.open() as session:
        session.execute(
            text("UPDATE line_account SET sealed_secret = '\\x0102' WHERE id = :id"), {"id": shop.channels[0].id}
        )
        session.commit()
    keyring = read_keys(place)
    resealed = sealed.replace_data_key(place.engine, keyring, shop.home.scope.brand_id)
    assert resealed == sealed.Resealed(values=ACCOUNTS - 1, undecryptable=1)
    assert numbers(shop, keyring) == (1, 2)


def test_a_brand_whose_master_key_is_gone_is_counted_and_the_others_are_rewrapped(
    place: Installation, shop: Shop
) -> None:
    new_home(place.engine, Keyring({"lost": b"l" * 32}))
    key_file(place.folder, new_master_key("new"), (place.folder / "master-keys").read_text().strip())
    done = place.run("keys", "rotate", "--json")
    about = json.loads(done.stdout)
    assert (done.returncode, about["rewrapped"], about["unopened"]) == (1, 1, 1)


def numbers(shop: Shop, keyring: Keyring) -> tuple[int, ...]:
    with shop.home.open() as session:
        brand = session.exec(select(Brand)).one()
        return keyring.open(brand.id, brand.master_key_id, brand.wrapped_key).numbers


def test_an_interrupted_rotation_goes_on_where_it_was(place: Installation, shop: Shop) -> None:
    keyring, brand_id = read_keys(place), shop.home.scope.brand_id
    sealed._change_keys(place.engine, keyring, brand_id, lambda key: key.with_further_key().with_newest_current())
    assert sealed.replace_data_key(place.engine, keyring, brand_id).values == ACCOUNTS
    assert numbers(shop, keyring) == (2,)


def test_a_data_key_is_not_used_before_older_transactions_end(place: Installation, shop: Shop) -> None:
    """Whoever read the brand's keys before the new one was there must not meet a value that is under it."""
    keyring, brand_id = read_keys(place), shop.home.scope.brand_id
    with shop.home.open() as session:
        brand = session.exec(select(Brand)).one()
        key = keyring.open(brand_id, brand.master_key_id, brand.wrapped_key)
        rotating = threading.Thread(target=sealed.replace_data_key, args=(place.engine, keyring, brand_id))
        rotating.start()
        rotating.join(1.0)
        assert rotating.is_alive(), "it waits for this transaction"
        for account in session.exec(select(LineAccount)).all():
            assert key.unseal(account.sealed_secret, f"line_account.secret:{account.id}")
        session.rollback()
    rotating.join(60)
    assert numbers(shop, keyring) == (2,)


def test_a_transaction_that_does_not_end_stops_the_rotation_with_everything_still_open(
    place: Installation, shop: Shop
) -> None:
    keyring, brand_id = read_keys(place), shop.home.scope.brand_id
    with shop.home.open() as session:
        session.exec(select(IdempotencyKey)).all()
        with pytest.raises(sealed.StillBusy):
            sealed.wait_for_older_transactions(place.engine, seconds=0.2)
        session.rollback()
    found = sealed.check_brand(place.engine, keyring, brand_id)
    assert found is not None
    assert (found.values["line_account.sealed_secret"], sum(found.undecryptable.values())) == (ACCOUNTS, 0)
