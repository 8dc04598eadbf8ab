"""Those who are one LINE user id, and were kept apart: joined once the brand has recorded why it may."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.customers.consents.service import record_consent
from app.customers.identity import Place, Sign, follow
from app.customers.joining.models import CustomerMerge
from app.customers.joining.service import merge as join
from app.customers.joining.service import undo
from app.customers.linking import same_ids
from app.customers.linking.same_ids import FIRST, join_same_ids
from app.customers.models import Customer, Friend
from app.customers.summary import tie_to_store
from app.jobs.queue import Work
from app.settings import Settings
from tenants.brands.models import Brand
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tenants.stores.models import Store
from tests import make
from tests.app.inbound.calls import commit_channel, tell, told, work_off_all
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def work(home: BrandHome, engine: Engine, keyring: Keyring, settings: Settings) -> Work:
    """What a job of the brand is given; the brand has no basis yet."""
    state_basis(home, None)
    return Work(engine, keyring, settings, NOON, home.scope.brand_id)


def state_basis(home: BrandHome, basis: str | None) -> None:
    with home.open() as session:
        session.exec(select(Brand)).one().joining_basis = basis
        session.commit()


def befriend(home: BrandHome, user_ids: list[str], accounts: int = 3) -> None:
    """These people follow so many accounts of one provider, each kept apart."""
    with home.open() as session:
        places = [
            Place(make.line_account(session, make.store(session), provider_id="p-same"), (), may_join=False)
            for _ in range(accounts)
        ]
        for number, user_id in enumerate(user_ids):
            for place in places:
                sign = Sign(user_id, f"e{number}-{place.account.no}", NOON)
                follow(session, place, sign, is_unblocked=False)
        session.commit()


def customers(home: BrandHome) -> list[UUID]:
    with home.open() as session:
        present = select(Customer.id).where(col(Customer.merged_into_id).is_(None))
        return list(session.exec(present.order_by(col(Customer.id))).all())


def test_they_are_joined_into_the_first_and_a_second_run_changes_nothing(home: BrandHome, work: Work) -> None:
    befriend(home, [make.line_user_id(), make.line_user_id()])
    assert len(customers(home)) == 6
    join_same_ids(work, FIRST)
    assert len(customers(home)) == 6  # no basis, no joining
    state_basis(home, "provider_page")
    for _ in range(2):
        join_same_ids(work, FIRST)
        assert len(customers(home)) == 2
    with home.open() as session:
        merges = session.exec(select(CustomerMerge)).all()
        assert len(merges) == 4
        assert {one.source for one in merges} == {"line_user_id"}
        assert {one.proof["basis"] for one in merges} == {"provider_page"}
        assert set(session.exec(select(Friend.customer_id)).all()) == set(customers(home))


def test_it_goes_on_in_another_job_after_some(home: BrandHome, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_ids, "AT_ONCE", 2)
    befriend(home, [make.line_user_id() for _ in range(3)], accounts=2)
    state_basis(home, "consent")
    after = FIRST
    for left in (4, 3):
        join_same_ids(work, after)
        assert len(customers(home)) == left
        with home.open() as session:
            waiting = session.execute(
                text("SELECT args->>'after' FROM procrastinate_jobs WHERE args->>'brand_id' = :id ORDER BY id DESC"),
                {"id": str(home.scope.brand_id)},
            ).scalars()
            after = UUID(next(waiting))


def test_whom_somebody_has_taken_apart_stays_so(home: BrandHome, work: Work) -> None:
    befriend(home, [make.line_user_id()], accounts=2)
    state_basis(home, "provider_page")
    join_same_ids(work, FIRST)
    with home.open() as session:
        merge = session.exec(select(CustomerMerge)).one()
        undo(session, merge.id, undone_by="本部", now=NOON)
        session.commit()
    join_same_ids(work, FIRST)
    assert len(customers(home)) == 2


def test_whom_somebody_has_taken_apart_stays_so_when_one_is_joined_with_a_third(home: BrandHome, work: Work) -> None:
    befriend(home, [make.line_user_id()], accounts=2)
    state_basis(home, "provider_page")
    join_same_ids(work, FIRST)
    with home.open() as session:
        merge = session.exec(select(CustomerMerge)).one()
        undo(session, merge.id, undone_by="本部", now=NOON)
        third = make.customer(session)
        proof: dict[str, object] = {}
        join(session, merge.into_customer_id, third.id, source="api", proof=proof, merged_by="本部", now=NOON)
        session.commit()
    join_same_ids(work, FIRST)
    assert len(customers(home)) == 2


def test_who_withdrew_her_consent_stays_apart(home: BrandHome, work: Work) -> None:
    befriend(home, [make.line_user_id()], accounts=2)
    state_basis(home, "consent")
    with home.open() as session:
        no: dict[str, Any] = {"purpose": "joining", "channel": "any", "is_granted": False, "source": "電話"}
        record_consent(session, customers(home)[1], now=NOON, **no)
        session.commit()
    join_same_ids(work, FIRST)
    assert len(customers(home)) == 2


def test_recording_a_basis_defers_it_and_the_brand_says_why_people_are_apart(
    home: BrandHome, work: Work, api: TestClient
) -> None:
    told_before = api.get("/v1/brand", headers=home.headers).json()
    assert "joining_basis" in told_before["joining_detail"]
    assert "統合" in told_before["joining_detail_ja"]
    for basis in ("provider_page", "consent"):
        after = api.patch("/v1/brand", json={"joining_basis": basis}, headers=home.headers).json()
        assert (after["joining_detail"], after["joining_detail_ja"]) == (None, None)
    with home.open() as session:
        found = session.execute(
            text("SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = :name"),
            {"name": f"same-ids:{home.scope.brand_id}"},
        )
        assert found.scalar_one() == 1


def test_head_office_is_told_who_is_kept_apart_and_a_store_is_not(home: BrandHome, work: Work, api: TestClient) -> None:
    befriend(home, [make.line_user_id()], accounts=2)
    with home.open() as session:
        store = session.exec(select(Store).where(col(Store.no) == 1)).one()
        person = session.exec(select(Customer)).first()
        assert person is not None
        tie_to_store(session, person, store)
        session.exec(select(Friend).where(col(Friend.customer_id) == person.id)).one().store_nos = [store.no]
        key = make.store_key(session, store)
        session.commit()
        path = f"/v1/customers/{encode_id('cus', person.id)}/friends"
    (told,) = api.get(path, headers=home.headers).json()["items"]
    assert "another customer" in told["kept_apart"]["detail"]
    (shown,) = api.get(path, headers={"authorization": f"Bearer {key}"}).json()["items"]
    assert {**shown, "kept_apart": None} == {**told, "kept_apart": None}
    assert shown["kept_apart"] is None
    state_basis(home, "provider_page")
    join_same_ids(work, FIRST)
    assert [one["kept_apart"] for one in api.get(path, headers=home.headers).json()["items"]] == [None, None]


def test_events_that_an_earlier_version_set_aside_are_worked_off(
    home: BrandHome, work: Work, api: TestClient, keyring: Keyring
) -> None:
    a, b = (commit_channel(home, keyring, provider_id="p-aside") for _ in range(2))
    user_id = make.line_user_id()
    tell(api, a, told("follow", user_id))
    tell(api, b, told("follow", user_id))
    work_off_all(work.engine, keyring, work.settings, a)
    with home.open() as session:
        session.execute(
            text(
                "UPDATE line_event SET worked_at = now(), trouble = 'no basis for joining' WHERE line_account_id = :b"
            ),
            {"b": b.id},
        )
        session.execute(text("DELETE FROM lane WHERE brand_id = :id"), {"id": home.scope.brand_id})
        session.commit()
    state_basis(home, "provider_page")
    join_same_ids(work, FIRST)
    with home.open() as session:
        lanes = session.execute(text("SELECT key FROM lane WHERE kind = 'line_events'")).scalars().all()
        assert b.id in lanes
    work_off_all(work.engine, keyring, work.settings, b)
    with home.open() as session:
        accounts = session.exec(select(LineAccount.no).order_by(col(LineAccount.no))).all()
        assert [one.account_nos for one in session.exec(select(Customer)).all()] == [list(accounts)]
