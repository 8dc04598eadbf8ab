"""While a channel secret is reissued, calls that either secret signed are taken, and nobody else's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, call, commit_channel, seal, stored, told, write_call
from tests.app.sandbox.process import wait_for
from tests.conftest import BrandHome

OLD = "the-secret-before"


def reissue(home: BrandHome, keyring: Keyring, until: datetime | None, sealed: bytes | None = None) -> Channel:
    """An account whose secret before its present one was OLD."""
    channel = commit_channel(home, keyring)
    with home.open() as session:
        values: dict[str, Any] = {"sealed": sealed or seal(session, keyring, channel, OLD), "until": until}
        session.execute(
            text(
                "UPDATE line_account SET sealed_previous_secret = :sealed, previous_secret_until = :until"
                " WHERE id = :id"
            ),
            {**values, "id": channel.id},
        )
        session.commit()
    return channel


def status_of(api: TestClient, channel: Channel, secret: str) -> int:
    body = write_call(channel, told("follow", make.line_user_id()))
    return int(call(api, channel, body, secret).status_code)


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_both_secrets_are_taken(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    channel = reissue(home, keyring, in_an_hour())
    assert [status_of(api, channel, secret) for secret in (channel.secret, OLD, "another")] == [200, 200, 401]
    assert len(stored(home, channel)) == 2


def test_the_old_one_is_taken_as_soon_as_it_is_the_old_one(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    channel = commit_channel(home, keyring)
    assert status_of(api, channel, channel.secret) == 200
    with home.open() as session:
        session.execute(
            text(
                "UPDATE line_account SET sealed_previous_secret = sealed_secret, sealed_secret = :sealed,"
                " previous_secret_until = :until WHERE id = :id"
            ),
            {"sealed": seal(session, keyring, channel, "new"), "until": in_an_hour(), "id": channel.id},
        )
        session.commit()
    wait_for(lambda: status_of(api, channel, "new") == 200)
    assert status_of(api, channel, channel.secret) == 200


@pytest.mark.parametrize("ended", [timedelta(seconds=1), timedelta(days=400)])
def test_the_old_one_ends(api: TestClient, home: BrandHome, keyring: Keyring, ended: timedelta) -> None:
    channel = reissue(home, keyring, datetime.now(UTC) - ended)
    assert [status_of(api, channel, secret) for secret in (channel.secret, OLD)] == [200, 401]


def test_an_old_one_without_an_end_is_not_taken(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    assert status_of(api, reissue(home, keyring, None), OLD) == 401


def test_an_old_one_that_does_not_open_stops_nothing(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    channel = reissue(home, keyring, in_an_hour(), b"not sealed by us")
    assert status_of(api, channel, channel.secret) == 200


def test_a_call_for_another_bot_is_kept_and_noted_at_the_account(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    channel, stranger = commit_channel(home, keyring), "U" + "0" * 32
    body = write_call(channel, told("follow", make.line_user_id())).replace(
        channel.bot_user_id.encode(), stranger.encode()
    )
    assert call(api, channel, body).status_code == 200
    noted = wait_for(lambda: _noted(home, channel))
    assert noted == stranger
    assert len(stored(home, channel)) == 1


def _noted(home: BrandHome, channel: Channel) -> str | None:
    with home.open() as session:
        query = "SELECT other_destination FROM line_account WHERE id = :id AND other_destination_at IS NOT NULL"
        found: str | None = session.execute(text(query), {"id": channel.id}).scalar()
    return found
