"""Friends follow their account to the stores that it comes to speak for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import select

from app.customers.models import Customer, CustomerStore
from app.customers.service import lock_customer
from app.customers.summary import tie_to_store
from app.customers.tasks import retie_friends
from app.jobs.queue import Work
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.customers.test_customers_api import Shops
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_a_store_sees_the_friends_of_an_account_that_is_given_to_it(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome
) -> None:
    shops = Shops(home)
    with home.open() as session:
        account = make.line_account(session, shops.a)
        friends = [make.friend(session, account) for _ in range(3)]
        session.commit()
    changed = api.patch(
        f"/v1/line-accounts/{encode_id('acc', account.id)}",
        json={"store_ids": [shops.a_id, shops.b_id]},
        headers=home.headers,
    )
    assert changed.status_code == 200, changed.text
    with home.open() as session:
        lock = {"lock": f"retie:{account.id}"}
        assert session.execute(text("SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = :lock"), lock).one()
    for _ in range(2):
        retie_friends(Work(engine, keyring, settings, NOON, home.scope.brand_id), account.id)
    items = api.get("/v1/customers", headers=shops.key_b).json()["items"]
    assert {item["id"] for item in items} == {encode_id("cus", friend.customer_id) for friend in friends}
    path = f"/v1/customers/{encode_id('cus', friends[0].customer_id)}/friends"
    assert len(api.get(path, headers=shops.key_b).json()["items"]) == 1


def test_ties_made_at_once_are_all_there(home: BrandHome) -> None:
    with home.open() as session:
        customer = make.customer(session)
        stores = [make.store(session) for _ in range(8)]
        session.commit()

    def tie(at: int) -> None:
        with home.open() as session:
            row = lock_customer(session, customer.id) if at % 2 else session.exec(select(Customer)).one()
            tie_to_store(session, row, stores[at])
            session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tie, range(8)))
    with home.open() as session:
        nos = sorted(session.exec(select(Customer)).one().store_nos)
        assert nos == sorted(session.exec(select(CustomerStore.store_no)).all()) == [store.no for store in stores]
