"""Idempotency-Key over HTTP, against a server with ten connections that may be killed at the worst moment."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from sqlalchemy import text

from app.database import make_engine
from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tests import make
from tests.app.sandbox.process import wait_for
from tests.conftest import MASTER_KEYS, BrandHome, new_home
from tests.serving import Installation, Served, json_of, open_installation

pytestmark = pytest.mark.slow(seconds=80)

TWINS = 50
COMMIT = 4711
"""The advisory lock that every commit with a key waits for, where a test holds it."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("idempotency")
    with open_installation(f"noren_idempotency_{worker_id}", folder, NOREN_MASTER_KEYS=MASTER_KEYS) as installation:
        yield installation


@pytest.fixture(scope="module")
def served(place: Installation) -> Served:
    return place.serve()


@pytest.fixture
def brand(place: Installation, keyring: Keyring) -> BrandHome:
    """A brand in the server's own database."""
    return new_home(place.engine, keyring)


class Post(NamedTuple):
    """A POST, and the table in which its effect is counted."""

    path: str
    body: dict[str, Any]
    table: str


def posts(home: BrandHome) -> dict[str, Post]:
    """One of each kind, with what it needs."""
    with home.open() as session:
        store, customer = make.store(session), make.customer(session)
        coupon = make.coupon(session)
        copy = make.issued_coupon(session, coupon)
        session.commit()
        store_id, customer_id = encode_id("store", store.id), encode_id("cus", customer.id)
        messages = [{"type": "text", "text": "こんにちは"}]
        order = {"external_id": "o-1", "store_id": store_id, "amount_yen": 900, "ordered_at": "2026-11-21T03:00:00Z"}
        key = {"name": "レジ", "store_ids": [store_id], "permissions": ["coupons:redeem"]}
        return {
            "tag": Post("/v1/tags", {"name": "常連"}, "tag"),
            "issue": Post(
                f"/v1/coupons/{encode_id('cpn', coupon.id)}/issue", {"customer_ids": [customer_id]}, "issued_coupon"
            ),
            "redemption": Post("/v1/redemptions", {"code": copy.code, "store_id": store_id}, "redemption"),
            "order": Post("/v1/orders", order, '"order"'),
            "campaign": Post("/v1/campaigns", {"name": "お知らせ", "messages": messages}, "campaign"),
            "store key": Post("/v1/store-keys", key, "api_key"),
        }


def count(home: BrandHome, table: str) -> int:
    with home.open() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def send(client: httpx.Client, post: Post, key: str) -> httpx.Response:
    return client.post(post.path, json=post.body, headers={"Idempotency-Key": key})


def send_twins(served: Served, home: BrandHome, post: Post, key: str) -> list[httpx.Response]:
    """Fifty equal requests that start together, each over a connection of its own."""
    ready = threading.Barrier(TWINS)

    def send_one(_: int) -> httpx.Response:
        with served.client(home.headers) as client:
            client.get("/healthz")
            ready.wait(60)
            return send(client, post, key)

    with ThreadPoolExecutor(TWINS) as pool:
        return list(pool.map(send_one, range(TWINS)))


@pytest.mark.parametrize("kind", ["tag", "issue", "redemption", "order", "campaign"])
def test_fifty_twins_at_once_have_one_effect_and_equal_answers(served: Served, brand: BrandHome, kind: str) -> None:
    post = posts(brand)[kind]
    before = count(brand, post.table)
    answers = send_twins(served, brand, post, "twins")
    assert {answer.status_code for answer in answers} <= {200, 201}, answers[0].text
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert Counter("Idempotent-Replayed" in answer.headers for answer in answers) == {True: TWINS - 1, False: 1}
    assert count(brand, post.table) == before + 1


def test_of_fifty_twins_that_make_a_secret_one_is_told_it(served: Served, brand: BrandHome) -> None:
    post = posts(brand)["store key"]
    answers = send_twins(served, brand, post, "twins")
    (first,) = (answer for answer in answers if "Idempotent-Replayed" not in answer.headers)
    secret = first.json()["key"]
    again = {(answer.status_code, answer.content) for answer in answers if answer is not first}
    assert len(again) == 1, again
    assert secret not in str(again)
    assert count(brand, "api_key") == 1


def test_a_hundred_clients_at_once_on_ten_connections_are_all_answered(served: Served, brand: BrandHome) -> None:
    """Twins among them, which wait for each other while others need their connections."""

    def send_one(number: int) -> httpx.Response:
        with served.client(brand.headers) as client:
            return send(client, Post("/v1/tags", {"name": f"札{number % 60}"}, "tag"), f"k-{number % 60}")

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(send_one, range(200)))
    assert Counter(answer.status_code for answer in answers) == {201: 200}
    assert count(brand, "tag") == 60


def test_callers_with_the_same_key_do_not_meet(
    served: Served, place: Installation, brand: BrandHome, keyring: Keyring
) -> None:
    other = new_home(place.engine, keyring)
    with brand.open() as session:
        colleague = make.access_token(session)
        session.commit()
    made: set[str] = set()
    for headers in (brand.headers, other.headers, {"Authorization": f"Bearer {colleague}"}):
        with served.client(headers) as client:
            answer = send(client, Post("/v1/tags", {"name": f"札{len(made)}"}, "tag"), "mine")
            assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False), answer.text
            made.add(answer.json()["id"])
    assert len(made) == 3


def test_two_changes_of_one_version_at_once_are_one_change(served: Served, brand: BrandHome) -> None:
    with served.client(brand.headers) as client:
        for turn in range(10):
            path = f"/v1/tags/{json_of(client.post('/v1/tags', json={'name': f'札{turn}'}))['id']}"
            headers = {"If-Match": client.get(path).headers["ETag"]}

            def change(name: str, path: str = path, headers: dict[str, str] = headers) -> int:
                return client.patch(path, json={"name": name}, headers=headers).status_code

            with ThreadPoolExecutor(2) as pool:
                assert sorted(pool.map(change, [f"あ{turn}", f"い{turn}"])) == [200, 412]


@contextmanager
def held_commits(place: Installation) -> Iterator[psycopg.Connection[Any]]:
    """Every commit of an idempotent effect waits, within the database, until the lock is given back."""
    owner = make_engine(place.urls.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION hold_commit() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_advisory_xact_lock({COMMIT}); RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER hold_commit AFTER INSERT ON idempotency_key DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION hold_commit()"
        )
    try:
        with psycopg.connect(place.urls.owner, autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [COMMIT])
            yield holder
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION hold_commit CASCADE")


def waits_at_commit(holder: psycopg.Connection[Any]) -> bool:
    return bool(list_waiting(holder))


def list_waiting(holder: psycopg.Connection[Any]) -> list[int]:
    """The backends that wait for the lock in this database; others of the server are other processes' tests."""
    query = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return [pid for (pid,) in holder.execute(query, [COMMIT])]


def test_a_server_killed_on_the_way_has_done_it_once_when_it_is_asked_again(
    place: Installation, brand: BrandHome
) -> None:
    server = place.serve()
    for moment in ("between effect and answer", "during the commit", "before the commit"):
        post, key = Post("/v1/tags", {"name": moment}, "tag"), str(uuid7())
        before = count(brand, "tag")
        kill_on_the_way(place, server, brand, post, key, moment)
        server = place.serve()
        with server.client(brand.headers) as client:
            answers = [send(client, post, key) for _ in range(3)]
        assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}, moment
        assert ("Idempotent-Replayed" in answers[0].headers) == (moment != "before the commit")
        assert count(brand, "tag") == before + 1, moment
    server.kill()


def kill_on_the_way(place: Installation, server: Served, brand: BrandHome, post: Post, key: str, moment: str) -> None:
    """Send a request, and kill the server before it can answer."""
    with held_commits(place) as holder, server.client(brand.headers) as client, ThreadPoolExecutor(1) as pool:
        before = count(brand, post.table)
        lost = pool.submit(send, client, post, key)
        wait_for(lambda: waits_at_commit(holder))
        if moment == "between effect and answer":
            server.signal(signal.SIGSTOP)  # so it cannot answer, while the database goes on and commits
            holder.execute("SELECT pg_advisory_unlock(%s)", [COMMIT])
            wait_for(lambda: count(brand, post.table) == before + 1)
        server.kill()
        if moment == "before the commit":
            waiting = list_waiting(holder)
            with psycopg.connect(place.urls.admin or "", autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [waiting])
        assert isinstance(lost.exception(30), httpx.TransportError), "nobody was told"


def test_a_twin_that_waits_too_long_is_told_so(place: Installation, served: Served, brand: BrandHome) -> None:
    post = Post("/v1/tags", {"name": "長い"}, "tag")
    with held_commits(place) as holder, served.client(brand.headers) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, client, post, "slow")
        wait_for(lambda: waits_at_commit(holder))
        twin = send(client, post, "slow")
        assert (twin.status_code, twin.json()["type"]) == (409, "/problems/conflict"), twin.text
        holder.execute("SELECT pg_advisory_unlock(%s)", [COMMIT])
        assert first.result(60).status_code == 201
        assert json.loads(send(client, post, "slow").content) == first.result().json()
