"""Profiles: a friend's name and picture, fetched from LINE."""

from datetime import UTC, datetime

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from app.customers.models import Customer, Friend, Identity
from app.customers.tasks import fetch_profile
from app.jobs.queue import Work
from app.line.errors import LineUnavailable
from app.settings import Settings
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import open_channel
from tests.app.line.answering import Answering, run_answering
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def friend(home: BrandHome, keyring: Keyring) -> Friend:
    """A friend of whom only the LINE user id is known."""
    with home.open() as session:
        channel = open_channel(session, keyring, make.store(session))
        account = session.get_one(LineAccount, (home.scope.brand_id, channel.id))
        friend = make.friend(session, account)
        session.commit()
    return friend


def _fetch(
    line: Answering, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome, friend: Friend
) -> None:
    there = settings.model_copy(update={"line_api_url": line.url})
    work = Work(engine, keyring, there, NOON, home.scope.brand_id)
    fetch_profile(work, friend.identity_id, friend.line_account_id)


def _path(home: BrandHome) -> str:
    with home.open() as session:
        return "/v2/bot/profile/" + session.exec(select(Identity.line_user_id)).one()


def test_a_profile_is_kept_and_shown(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome, friend: Friend
) -> None:
    with run_answering() as line:
        profile = {"userId": "U1", "displayName": "はなこ🍜", "pictureUrl": "https://example.jp/1", "language": "ja"}
        line.answers[_path(home)] = (200, orjson.dumps(profile))
        _fetch(line, engine, keyring, settings, home, friend)
    shown = api.get(f"/v1/customers/{encode_id('cus', friend.customer_id)}", headers=home.headers).json()
    assert (shown["display_name"], shown["picture_url"]) == ("はなこ🍜", "https://example.jp/1")
    assert shown["updated_at"] == "2026-11-21T03:00:00Z"


@pytest.mark.parametrize("status", [404, 400, 403])
def test_a_profile_that_line_refuses_is_let_be(
    engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome, friend: Friend, status: int
) -> None:
    with run_answering() as line:
        line.answers[_path(home)] = (status, b'{"message":"Not found"}')
        _fetch(line, engine, keyring, settings, home, friend)
    with home.open() as session:
        assert session.exec(select(Identity)).one().profile_at is None


def test_a_profile_is_tried_again_when_line_is_away(
    engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome, friend: Friend
) -> None:
    with run_answering() as line:
        line.answers[_path(home)] = (500, b"")
        with pytest.raises(LineUnavailable):
            _fetch(line, engine, keyring, settings, home, friend)


def test_nobody_is_asked_about_a_person_who_was_erased(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome, friend: Friend
) -> None:
    api.delete(f"/v1/customers/{encode_id('cus', friend.customer_id)}", headers=home.headers)
    with run_answering() as line:
        _fetch(line, engine, keyring, settings, home, friend)
        assert line.calls == []
    with home.open() as session:
        assert session.exec(select(Customer)).one().erased_at is not None
