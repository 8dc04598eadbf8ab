"""Account link: from a nonce and LINE's link token to the event that joins, over the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.customers.consents.models import Consent
from app.customers.joining.models import AccountLink, CustomerConflict, CustomerMerge
from app.customers.linking.service import join_linked
from app.jobs.queue import Clockwork
from app.liff.tasks import forget_links
from tenants.ids import encode_id
from tests import make
from tests.app.liff.stage import Stage

pytestmark = pytest.mark.every_brand


@pytest.fixture
def member(stage: Stage) -> UUID:
    """Somebody whom the brand's own service knows."""
    with stage.home.open() as session:
        customer = make.customer(session, name="山田花子", external_id="hq-1")
        session.commit()
        customer_id: UUID = customer.id
    return customer_id


@pytest.fixture
def friend(stage: Stage) -> str:
    """A friend of the first account: her id in the sandbox."""
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    return person


def ask_nonce(stage: Stage, member: UUID, **more: Any) -> dict[str, Any]:
    body = {"customer_id": encode_id("cus", member), "line_account_id": encode_id("acc", stage.accounts[0].id), **more}
    answer = stage.post("/v1/account-links", body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def ask_link_url(stage: Stage, number: int = 0) -> str:
    (tie,) = [one for one in stage.list_friends() if one.account_no == stage.accounts[number].no]
    path = f"/v1/line-accounts/{encode_id('acc', stage.accounts[number].id)}/link-token"
    answer = stage.post(path, {"friend_id": encode_id("frd", tie.id)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["link_url"])


def go(stage: Stage, url: str, nonce: str, person: str) -> int:
    """She opens LINE's dialogue with the nonce; the event reaches us, and what follows from it is done."""
    query = dict(parse_qsl(urlsplit(url).query))
    answer = stage.sandbox.client.get(url.partition("?")[0], params={**query, "nonce": nonce, "person": person})
    stage.hear()
    for link in links(stage):
        if link.used_at is not None:
            for identity in stage.identities():
                join_linked(stage.work(), link.id, identity.id)
    return int(answer.status_code)


def links(stage: Stage) -> list[AccountLink]:
    with stage.home.open() as session:
        return list(session.exec(select(AccountLink)).all())


def list_all(stage: Stage, table: Any) -> list[Any]:
    with stage.home.open() as session:
        return list(session.exec(select(table)).all())


def test_who_comes_back_with_the_nonce_is_the_customer_who_was_given_it(
    stage: Stage, member: UUID, friend: str
) -> None:
    nonce = ask_nonce(stage, member)["nonce"]
    assert go(stage, ask_link_url(stage), nonce, friend) == 200
    (customer,) = stage.customers()
    assert (customer.id, customer.external_id) == (member, "hq-1")
    assert stage.friends() == {stage.accounts[0].no: member}
    (merge,) = list_all(stage, CustomerMerge)
    assert merge.source == "account_link"
    (link,) = links(stage)
    assert link.used_at is not None
    assert nonce.encode() not in link.nonce_digest


def test_a_nonce_is_good_once_and_for_ten_minutes(stage: Stage, member: UUID, friend: str) -> None:
    told = ask_nonce(stage, member)
    left = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    with stage.home.open() as session:
        link = session.exec(select(AccountLink)).one()
        link.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        session.commit()
    go(stage, ask_link_url(stage), told["nonce"], friend)
    assert (len(stage.customers()), links(stage)[0].used_at) == (2, None)


def test_somebody_else_spoils_the_link_and_that_is_written_down(stage: Stage, member: UUID, friend: str) -> None:
    other = stage.person("太郎")
    stage.act(other, stage.accounts[0])
    nonce = ask_nonce(stage, member)["nonce"]
    with stage.home.open() as session:
        session.expire_on_commit = False
    url = _url_of(stage, friend)
    assert go(stage, url, nonce, other) == 400
    (link,) = links(stage)
    assert (link.used_at, link.failed_at is not None) == (None, True)
    go(stage, _url_of(stage, friend), nonce, friend)
    assert len(stage.customers()) == 3


def _url_of(stage: Stage, person: str) -> str:
    """The dialogue for one of several friends, found by her customer."""
    user_ids = next(
        one["line_user_ids"] for one in stage.sandbox.call("GET", "/people")["items"] if one["id"] == person
    )
    (mine,) = [one for one in stage.identities() if one.line_user_id == user_ids[stage.a.provider_id]]
    path = f"/v1/line-accounts/{encode_id('acc', stage.accounts[0].id)}/link-token"
    return str(stage.post(path, {"customer_id": encode_id("cus", mine.customer_id)}).json()["link_url"])


def test_a_member_who_has_another_line_there_is_listed_and_not_joined(stage: Stage, member: UUID, friend: str) -> None:
    go(stage, ask_link_url(stage), ask_nonce(stage, member)["nonce"], friend)
    other = stage.person("太郎")
    stage.act(other, stage.accounts[0])
    go(stage, _url_of(stage, other), ask_nonce(stage, member)["nonce"], other)
    assert len(stage.customers()) == 2
    (conflict,) = list_all(stage, CustomerConflict)
    assert (conflict.keys, conflict.source) == (["line_user_id"], "account_link")


@pytest.mark.parametrize(("consent", "left"), [(False, 3), (True, 2)])
def test_two_whom_line_told_of_are_joined_by_a_basis_or_her_consent(
    stage: Stage, friend: str, consent: bool, left: int
) -> None:
    stage.without_basis()
    account = stage.accounts[1]
    with stage.home.open() as session:
        make.customer(session, name="だれか")
        session.commit()
    elsewhere = stage.person("花子")
    stage.act(elsewhere, account)
    (tie,) = [one for one in stage.list_friends() if one.account_no == account.no]
    go(stage, ask_link_url(stage), ask_nonce(stage, tie.customer_id, consent=consent)["nonce"], friend)
    assert len(stage.customers()) == left
    assert [one.keys for one in list_all(stage, CustomerConflict)] == ([] if consent else [["joining_basis"]])
    assert [(one.purpose, one.wording) for one in list_all(stage, Consent)] == [("joining", None)] * consent
    assert len(stage.get("/v1/audit-log", action="join_herself")["items"]) == consent


def test_a_link_token_is_for_a_friend_of_the_account(stage: Stage, member: UUID) -> None:
    path = f"/v1/line-accounts/{encode_id('acc', stage.accounts[0].id)}/link-token"
    assert stage.post(path, {"customer_id": encode_id("cus", member)}).status_code == 404
    assert stage.post(path, {}).status_code == 422


def test_links_are_forgotten_after_a_month(stage: Stage, member: UUID) -> None:
    ask_nonce(stage, member)
    now = datetime.now(UTC)
    forget_links(Clockwork(stage.engine, stage.keyring, stage.settings, now + timedelta(days=29)))
    assert len(links(stage)) == 1
    forget_links(Clockwork(stage.engine, stage.keyring, stage.settings, now + timedelta(days=31)))
    assert links(stage) == []


def test_the_nonce_is_never_told_again(stage: Stage, member: UUID) -> None:
    body = {"customer_id": encode_id("cus", member), "line_account_id": encode_id("acc", stage.accounts[0].id)}
    headers = {**stage.home.headers, "idempotency-key": "link-1"}
    first, again = (stage.app.post("/v1/account-links", json=body, headers=headers) for _ in range(2))
    assert first.json()["nonce"] not in again.text
    with stage.home.open() as session:
        assert len(session.exec(select(AccountLink).where(col(AccountLink.customer_id) == member)).all()) == 1
