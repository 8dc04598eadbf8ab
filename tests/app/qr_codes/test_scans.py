"""A person scans a code, signs in or does not, and becomes a friend: from the link to the tie."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func
from sqlmodel import col, select

from app.auth import read_now
from app.customers.erasing.service import erase
from app.customers.models import Customer
from app.jobs.queue import Clockwork
from app.main import create_app
from app.qr_codes.models import QrScan
from app.qr_codes.tasks import forget_scans
from app.settings import Settings
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tests import make
from tests.app.qr_codes.stage import Stage, open_stage
from tests.app.sandbox.process import Shop
from tests.conftest import BrandHome
from tests.running import RunningSandbox

pytestmark = pytest.mark.every_brand


@pytest.fixture
def stage(
    home: BrandHome,
    keyring: Keyring,
    engine: Engine,
    line_settings: Settings,
    line_app: TestClient,
    line_api: RunningSandbox,
    hands: Shop,
) -> Stage:
    return open_stage(home, keyring, engine, line_settings, line_app, line_api, hands)


def list_scans(stage: Stage) -> list[QrScan]:
    with stage.home.open() as session:
        return list(session.exec(select(QrScan).order_by(col(QrScan.created_at))).all())


def test_whoever_signs_in_and_follows_afterwards_is_tied(stage: Stage) -> None:
    person, user_id = stage.person()
    answer = stage.come_back(stage.sign_in(stage.scan(), person, add_friend="false"))
    assert (answer.status_code, answer.headers["location"]) == (302, stage.friend_url)
    stage.act(person, "follow")
    stage.hear()
    assert stage.source_of(user_id) == ("qr_code", stage.code.id)
    assert stage.counted() == (1, 1)
    (fact,) = stage.facts()
    assert (fact["name"], fact["kind"], fact["qr_code_id"]) == ("レジ横", "store", str(stage.code.id))


def test_whoever_is_added_on_the_way_is_tied_when_she_comes_back(stage: Stage) -> None:
    person, user_id = stage.person()
    answer = stage.sign_in(stage.scan(), person)
    stage.hear()
    assert stage.source_of(user_id) == ("follow", None)
    assert stage.come_back(answer).headers["location"] == stage.friend_url
    assert stage.source_of(user_id) == ("qr_code", stage.code.id)
    assert stage.counted() == (1, 1)
    assert len(stage.facts()) == 1


def test_what_is_asked_of_line_login_can_be_neither_guessed_nor_replayed(stage: Stage) -> None:
    first, second = (parse_qs(urlsplit(stage.scan()).query) for _ in range(2))
    assert first["scope"] == ["openid profile"]
    assert (first["bot_prompt"], first["code_challenge_method"]) == (["aggressive"], ["S256"])
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


def test_where_accounts_share_a_login_channel_line_offers_none_of_them(stage: Stage) -> None:
    with stage.home.open() as session:
        mine = session.exec(select(LineAccount).where(col(LineAccount.id) == stage.channel.id)).one()
        make.line_account(session, login_channel_id=mine.login_channel_id)
        session.commit()
    assert "bot_prompt" not in parse_qs(urlsplit(stage.scan()).query)


def test_without_a_login_channel_the_scan_is_counted_and_nothing_is_tied(
    home: BrandHome,
    keyring: Keyring,
    engine: Engine,
    line_settings: Settings,
    line_app: TestClient,
    line_api: RunningSandbox,
    hands: Shop,
) -> None:
    stage = open_stage(home, keyring, engine, line_settings, line_app, line_api, hands, with_login=False)
    person, user_id = stage.person()
    assert stage.scan() == stage.friend_url
    page = line_api.client.get(stage.friend_url, params={"person": person})
    assert "友だち追加しますか" in page.text
    line_api.client.post(stage.friend_url, data={"person": person})
    stage.hear()
    assert stage.source_of(user_id) == ("follow", None)
    assert stage.counted() == (1, 0)
    assert list_scans(stage) == []


def test_who_declines_gets_to_the_account_all_the_same(stage: Stage) -> None:
    person, user_id = stage.person()
    answer = stage.sign_in(stage.scan(), person, deny="true")
    assert answer["error"] == "ACCESS_DENIED"
    assert stage.come_back(answer).headers["location"] == stage.friend_url
    stage.act(person, "follow")
    stage.hear()
    assert stage.source_of(user_id) == ("follow", None)


def test_an_answer_to_another_sign_in_is_not_taken(stage: Stage) -> None:
    person, _ = stage.person()
    answer = stage.sign_in(stage.scan(), person)
    refused = stage.come_back({**answer, "state": "x" * 32})
    assert refused.status_code == 400
    assert "もう一度読み取ってください" in refused.text
    assert [scan.line_user_id for scan in list_scans(stage)] == [None]


def test_a_replayed_answer_ties_nothing_more(stage: Stage) -> None:
    person, user_id = stage.person()
    answer = stage.sign_in(stage.scan(), person)
    cookies = dict(stage.app.cookies)
    stage.come_back(answer)
    stage.hear()
    assert stage.come_back(answer).status_code == 400
    stage.app.cookies.update(cookies)
    again = stage.come_back(answer)
    assert again.status_code == 400
    assert "確認できませんでした" in again.text
    assert stage.friend_url in again.text
    assert stage.source_of(user_id) == ("qr_code", stage.code.id)
    assert stage.counted() == (1, 1)
    assert len(stage.facts()) == 1


@pytest.fixture
def later(line_app: TestClient) -> Iterator[None]:
    """Our clock is sixteen minutes ahead, once the test asks for it."""
    application = line_app.app
    assert isinstance(application, FastAPI)
    yield
    application.dependency_overrides.pop(read_now, None)


def test_who_takes_too_long_is_told_so_and_not_tied(stage: Stage, later: None) -> None:
    person, user_id = stage.person()
    answer = stage.sign_in(stage.scan(), person)
    assert isinstance(stage.app.app, FastAPI)
    stage.app.app.dependency_overrides[read_now] = lambda: datetime.now(UTC) + timedelta(minutes=16)
    late = stage.come_back(answer)
    assert late.status_code == 400
    assert "時間が経ちすぎました" in late.text
    stage.hear()
    assert stage.source_of(user_id) == ("follow", None)


@pytest.mark.parametrize(
    "fault",
    [
        {"signed": "none"},
        {"signed": "foreign_key"},
        {"signed": "broken"},
        {"claims": {"nonce": "another"}},
        {"claims": {"aud": "2000000000"}},
        {"claims": {"exp": 1}},
    ],
    ids=str,
)
def test_a_forged_id_token_is_believed_in_nothing(stage: Stage, fault: dict[str, Any]) -> None:
    person, user_id = stage.person()
    answer = stage.sign_in(stage.scan(), person)
    stage.line_api.call("PUT", "/faults", {"faults": [{"endpoint": "POST /oauth2/v2.1/token", "id_token": fault}]})
    try:
        refused = stage.come_back(answer)
    finally:
        stage.line_api.call("PUT", "/faults", {"faults": []})
    assert refused.status_code == 400
    assert "確認できませんでした" in refused.text
    stage.hear()
    assert stage.source_of(user_id) == ("follow", None)
    assert [scan.line_user_id for scan in list_scans(stage)] == [None]


def test_a_stranger_who_scans_is_no_customer_and_forgotten_after_two_days(
    stage: Stage, engine: Engine, keyring: Keyring, line_settings: Settings
) -> None:
    person, user_id = stage.person()
    stage.come_back(stage.sign_in(stage.scan(), person, add_friend="false"))
    assert [scan.line_user_id for scan in list_scans(stage)] == [user_id]
    with stage.home.open() as session:
        assert session.exec(select(func.count()).select_from(Customer)).one() == 0
    now = datetime.now(UTC)
    forget_scans(Clockwork(engine, keyring, line_settings, now + timedelta(hours=47)))
    assert len(list_scans(stage)) == 1
    forget_scans(Clockwork(engine, keyring, line_settings, now + timedelta(hours=49)))
    assert list_scans(stage) == []
    assert stage.counted() == (1, 0)


def test_erasing_a_person_leaves_the_number_and_nothing_of_her(stage: Stage) -> None:
    person, user_id = stage.person()
    for _ in range(2):
        stage.come_back(stage.sign_in(stage.scan(), person))
    stage.hear()
    friend = stage.friend(user_id)
    assert friend is not None
    stage.come_back(stage.sign_in(stage.scan(), person))
    with stage.home.open() as session:
        erase(session, friend.customer_id, datetime.now(UTC))
        session.commit()
    assert {(scan.line_user_id, scan.friend_id, scan.customer_id) for scan in list_scans(stage)} == {(None, None, None)}
    assert stage.counted() == (3, 1)


@pytest.mark.parametrize("code", ["nothing", "2" * 12, "%00", "%F0%9F%8D%9C", "2" * 4000, "é" * 12])
def test_an_unknown_code_leads_to_a_page_in_both_languages(stage: Stage, code: str) -> None:
    answer = stage.app.get(f"/r/{code}")
    assert answer.status_code == 404
    assert "このQRコードは使えません" in answer.text
    assert "not in use" in answer.text


def test_an_archived_code_leads_to_that_page_too(stage: Stage) -> None:
    with stage.home.open() as session:
        session.add(stage.code)
        stage.code.archived_at = datetime.now(UTC)
        session.commit()
    assert stage.app.get(f"/r/{stage.code.code}").status_code == 404


def test_the_browsers_word_is_not_taken_for_ours(stage: Stage) -> None:
    for kept in ("", "x", "A" * 22, "A" * 400):
        stage.app.cookies.set("noren-scan", kept)
        assert stage.come_back({"state": "x", "code": "y"}).status_code == 400


def test_links_are_limited_by_address(line_settings: Settings) -> None:
    limited = line_settings.model_copy(update={"anonymous_rate_limit": 3})
    with TestClient(create_app(limited)) as app:
        assert [app.get("/r/nothing").status_code for _ in range(4)] == [404, 404, 404, 429]
