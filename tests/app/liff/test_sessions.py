"""Sessions of people: what LINE must have proven, whom a second proof joins, and what is never believed."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from socket import create_server
from time import monotonic

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.auth import read_now
from app.customers.erasing.service import erase
from app.customers.joining.models import CustomerMerge
from app.customers.linking.proofs import Proven
from app.customers.models import Identity
from app.liff.places import list_naming
from app.liff.service import narrow
from app.main import create_app
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tests import make
from tests.app.liff.stage import HERE, Stage
from tests.conftest import BrandHome


def merges(stage: Stage) -> list[CustomerMerge]:
    with stage.home.open() as session:
        return list(session.exec(select(CustomerMerge)).all())


def test_who_signs_in_is_the_customer_that_she_is_at_the_accounts(stage: Stage) -> None:
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    answer = stage.prove(stage.a, person)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert len(stage.customers()) == 1
    assert told["customer"]["display_name"] == "花子"
    assert [one["provider_id"] for one in told["identities"]] == [stage.a.provider_id]
    assert told["not_joined"] is None
    assert stage.app.get("/liff/session").json()["customer"]["id"] == told["customer"]["id"]
    assert "no-store" in answer.headers["cache-control"]


def test_whom_the_brand_did_not_know_becomes_its_customer_once(stage: Stage) -> None:
    person = stage.person()
    for _ in range(2):
        assert stage.prove(stage.a, person).status_code == 200
    stage.act(person, stage.accounts[0])
    assert len(stage.customers()) == 1
    assert stage.friends().keys() == {stage.accounts[0].no}


def test_a_second_provider_joins_two_customers_and_keeps_the_proof(stage: Stage) -> None:
    person = stage.person()
    for account in stage.accounts:
        stage.act(person, account)
    stage.prove(stage.a, person)
    told = stage.prove(stage.b, person).json()
    assert len(stage.customers()) == 1
    assert (len(told["identities"]), told["not_joined"]) == (2, None)
    (merge,) = merges(stage)
    assert (merge.source, merge.proof["basis"], merge.proof["consent"]) == ("liff", "provider_page", None)
    kept = {one.line_user_id for one in stage.identities()}
    assert not any(user_id in str(merge.proof) for user_id in kept)
    assert stage.prove(stage.a, person).json()["customer"] == told["customer"]
    assert len(merges(stage)) == 1


def test_who_proves_the_same_several_times_at_once_is_joined_once(stage: Stage) -> None:
    person = stage.person()
    for account in stage.accounts:
        stage.act(person, account)
    bearer = {"authorization": f"Bearer {stage.prove(stage.a, person).json()['token']}"}
    body = {"id_token": stage.id_token(stage.b, person), "login_channel_id": stage.b.channel_id}
    stage.app.cookies.clear()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: stage.app.post("/liff/session", json=body, headers=bearer), range(4)))
    assert [one.status_code for one in answers] == [200] * 4
    assert len(merges(stage)) == len(stage.customers()) == 1
    assert len({one.json()["customer"]["id"] for one in answers}) == 1


def test_without_a_basis_only_her_own_consent_joins(stage: Stage) -> None:
    stage.without_basis()
    person = stage.person()
    for account in stage.accounts:
        stage.act(person, account)
    stage.prove(stage.a, person)
    told = stage.prove(stage.b, person).json()
    assert len(stage.customers()) == 2
    assert "consent" in told["not_joined"]["detail"]
    agreed = stage.prove(stage.b, person, consent=True).json()
    assert (len(stage.customers()), agreed["not_joined"]) == (1, None)
    (merge,) = merges(stage)
    assert merge.proof["consent"]["wording"] == "joining-2026-11"
    consents = stage.get(f"/v1/customers/{agreed['customer']['id']}/consents")
    assert "joining" in str(consents)


def test_with_her_consent_accounts_of_one_provider_are_joined_too(stage: Stage) -> None:
    stage.without_basis()
    stage.add_account(stage.a, "池袋店")
    person = stage.person()
    stage.act(person, stage.accounts[0])
    stage.act(person, stage.accounts[2])
    assert len(stage.customers()) == 2
    stage.prove(stage.a, person, consent=True)
    assert len(stage.customers()) == 1
    assert len(set(stage.friends().values())) == 1


def test_somebody_else_in_the_same_browser_is_joined_with_nobody(stage: Stage) -> None:
    mother, daughter = stage.person("母"), stage.person("娘")
    stage.prove(stage.a, mother)
    told = stage.prove(stage.a, daughter).json()
    stage.prove(stage.b, daughter)
    assert len(told["identities"]) == 1
    assert len(stage.customers()) == 2


def test_who_is_somebody_else_at_a_third_provider_is_listed_and_not_joined(stage: Stage) -> None:
    mother, daughter = stage.person("母"), stage.person("娘")
    stage.prove(stage.a, mother)
    stage.app.cookies.clear()
    stage.prove(stage.b, daughter)
    stage.app.cookies.clear()
    at_a, at_b = stage.identities()
    with stage.home.open() as session:
        for one in (at_a, at_b):
            other = Identity(provider_id="P-3", line_user_id=make.line_user_id(), customer_id=one.customer_id)
            session.add(other)
        session.commit()
    stage.prove(stage.a, mother)
    told = stage.prove(stage.b, daughter, consent=True).json()
    assert told["not_joined"] is not None
    assert len(stage.customers()) == 2
    (conflict,) = stage.get("/v1/customer-conflicts")["items"]
    assert (conflict["keys"], conflict["source"]) == (["line_user_id"], "liff")


def test_who_was_taken_apart_stays_so_until_she_proves_both_and_agrees_anew(stage: Stage) -> None:
    person = stage.person()
    stage.prove(stage.a, person)
    stage.prove(stage.b, person)
    (merge,) = stage.get("/v1/customer-merges")["items"]
    assert stage.post(f"/v1/customer-merges/{merge['id']}/undo").status_code == 200
    assert stage.prove(stage.b, person, consent=True).json()["not_joined"] is not None
    assert stage.prove(stage.a, person).json()["not_joined"] is not None
    assert len(stage.customers()) == 2
    assert stage.prove(stage.a, person, consent=True).json()["not_joined"] is None
    assert len(stage.customers()) == 1


def test_who_withdrew_her_consent_is_joined_by_no_basis(stage: Stage) -> None:
    person = stage.person()
    customer_id = stage.prove(stage.a, person).json()["customer"]["id"]
    no = {"purpose": "joining", "channel": "any", "is_granted": False, "source": "電話"}
    assert stage.post(f"/v1/customers/{customer_id}/consents", no).status_code == 201
    assert stage.prove(stage.b, person).json()["not_joined"] is not None
    assert stage.prove(stage.b, person, consent=True).json()["not_joined"] is None


def test_a_test_host_proves_nobody_of_a_provider_that_has_accounts_at_line(stage: Stage) -> None:
    with stage.home.open() as session:
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == stage.accounts[0].id)).one()
        account.mode = "test"
        session.flush()
        assert list_naming(session, stage.a.channel_id) == [account]
        make.line_account(session, make.store(session), provider_id=stage.a.provider_id)
        assert list_naming(session, stage.a.channel_id) == []


def test_a_token_that_proves_nothing_is_refused_and_says_why(stage: Stage) -> None:
    person = stage.person()
    token = stage.id_token(stage.a, person)
    for wrong, channel, status, words in (
        (token[:-8] + "AAAAAAAA", stage.a.channel_id, 401, "did not sign"),
        (token, stage.b.channel_id, 401, "another Login channel"),
        ("x", stage.a.channel_id, 401, "did not sign"),
        (token, "39999999999", 404, ""),
    ):
        body = {"id_token": wrong, "login_channel_id": channel}
        answer = stage.app.post("/liff/session", json=body, headers=HERE)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert stage.customers() == []
    assert stage.app.get("/liff/session").status_code == 401


def test_a_token_that_is_over_is_refused(stage: Stage, clock: list[datetime]) -> None:
    body = {"id_token": stage.id_token(stage.a, stage.person()), "login_channel_id": stage.a.channel_id}
    clock.append(datetime.now(UTC) + timedelta(days=2))
    answer = stage.app.post("/liff/session", json=body, headers=HERE)
    assert (answer.status_code, "over" in answer.json()["detail"]) == (401, True)


@pytest.fixture
def clock(line_app: TestClient) -> Iterator[list[datetime]]:
    """Our clock: the last moment in it, if there is one."""
    moments: list[datetime] = []
    application = line_app.app
    assert isinstance(application, FastAPI)
    application.dependency_overrides[read_now] = lambda: moments[-1] if moments else datetime.now(UTC)
    yield moments
    application.dependency_overrides.pop(read_now, None)


def test_a_session_ends_when_it_is_not_used_and_when_its_proof_is_old(stage: Stage, clock: list[datetime]) -> None:
    stage.prove(stage.a, stage.person())
    begun = datetime.now(UTC)
    for minutes in range(90, 12 * 60, 90):
        clock.append(begun + timedelta(minutes=minutes))
        assert stage.app.get("/liff/session").status_code == 200, minutes
    clock.append(begun + timedelta(hours=12, minutes=1))
    assert stage.app.get("/liff/session").status_code == 401
    clock.append(begun)
    stage.prove(stage.a, stage.person())
    clock.append(begun + timedelta(hours=2, minutes=2))
    assert stage.app.get("/liff/session").status_code == 401


@pytest.mark.parametrize(("minutes", "is_one", "kept"), [(59, False, 2), (61, False, 1), (61, True, 2)])
def test_a_proof_of_long_ago_is_joined_with_nobody(minutes: int, is_one: bool, kept: int) -> None:
    first, second = uuid7(), uuid7()
    before, now = (
        Identity(id=uuid7(), provider_id=name, line_user_id=name, customer_id=customer_id)
        for name, customer_id in (("a", first), ("b", first if is_one else second))
    )
    at = datetime.now(UTC)
    earlier = Proven(before, "1", at - timedelta(minutes=minutes))
    assert len(narrow([earlier], Proven(now, "2", at))) == kept


def test_a_session_may_come_as_a_bearer_token_and_ends_with_the_person(stage: Stage) -> None:
    token = stage.prove(stage.a, stage.person()).json()["token"]
    stage.app.cookies.clear()
    bearer = {"authorization": f"Bearer {token}"}
    assert stage.app.get("/liff/session", headers=bearer).status_code == 200
    for wrong in (token[:-4] + "AAAA", "nrn_liff_", f"nrn_liff_{'A' * 200}", "x"):
        assert stage.app.get("/liff/session", headers={"authorization": f"Bearer {wrong}"}).status_code == 401
    (customer,) = stage.customers()
    with stage.home.open() as session:
        erase(session, customer.id, now=datetime.now(UTC))
        session.commit()
    assert stage.app.get("/liff/session", headers=bearer).status_code == 401


def test_a_session_is_forgotten_when_she_says_so(stage: Stage) -> None:
    stage.prove(stage.a, stage.person())
    assert stage.app.delete("/liff/session", headers=HERE).status_code == 204
    assert stage.app.get("/liff/session").status_code == 401


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_other_sites_can_neither_begin_nor_use_a_session(stage: Stage, headers: dict[str, str]) -> None:
    person = stage.person()
    body = {"id_token": stage.id_token(stage.a, person), "login_channel_id": stage.a.channel_id}
    assert stage.app.post("/liff/session", json=body, headers=headers).status_code == 403
    stage.prove(stage.a, person)
    for each in (headers, {}):
        answer = stage.app.post("/liff/session/link", json={"member_number": "1"}, headers=each)
        assert answer.status_code == 403


def test_a_session_of_one_brand_joins_nobody_of_another(stage: Stage, other_home: BrandHome) -> None:
    with other_home.open() as session:
        account = make.line_account(session, provider_id=stage.b.provider_id)
        account.login_channel_id = stage.b.channel_id
        session.commit()
        account_id = account.id
    person = stage.person()
    stage.prove(stage.a, person)
    assert stage.prove(stage.b, person).status_code == 409
    from tenants.ids import encode_id

    told = stage.prove(stage.b, person, line_account_id=encode_id("acc", account_id)).json()
    assert len(told["identities"]) == 1
    assert merges(stage) == []
    with stage.home.open() as session:
        assert session.exec(select(LineAccount).where(col(LineAccount.id) == account_id)).all() == []


def test_who_waits_for_line_keeps_nobody_else_waiting(stage: Stage) -> None:
    token = ".".join(
        urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"ES256","kid":"k"}', b"{}", b"x")
    )
    body = {"id_token": token, "login_channel_id": stage.a.channel_id}
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        app = create_app(stage.settings.model_copy(update={"line_api_url": url}))
        with TestClient(app, raise_server_exceptions=False) as client, ThreadPoolExecutor(50) as pool:
            waiting = [pool.submit(client.post, "/liff/session", json=body, headers=HERE) for _ in range(50)]
            line, _ = silent.accept()
            began = monotonic()
            assert [client.get("/liff/session").status_code for _ in range(20)] == [401] * 20
            assert monotonic() - began < 4
            line.close()
            silent.close()
            assert {one.result().status_code for one in waiting} == {503}


def test_sessions_are_limited_by_address(stage: Stage) -> None:
    limited = stage.settings.model_copy(update={"anonymous_rate_limit": 3})
    with TestClient(create_app(limited)) as app:
        assert [app.get("/liff/session").status_code for _ in range(4)] == [401, 401, 401, 429]
