"""LINE's side of a webhook call: events, bodies and signatures."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import Session

from app.auth import brand_key_of
from app.inbound.work import work_line_events
from app.line.signature import sign
from app.settings import Settings
from tenants.ids import encode_id
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Channel:
    """An account as LINE knows it."""

    brand_id: UUID
    id: UUID
    no: int
    secret: str
    bot_user_id: str

    @property
    def path(self) -> str:
        return f"/line/webhook/{encode_id('acc', self.id)}"


def open_channel(session: ScopedSession, keyring: Keyring, *stores: Store, **changes: Any) -> Channel:
    """An account of these stores whose secret is known."""
    account = make.line_account(session, *stores, **changes)
    channel = Channel(session.scope.brand_id, account.id, account.no, os.urandom(16).hex(), str(account.bot_user_id))
    account.sealed_secret = seal(session, keyring, channel, channel.secret)
    session.flush()
    return channel


def seal(session: ScopedSession, keyring: Keyring, channel: Channel, secret: str) -> bytes:
    """A secret as the account's row holds it."""
    return brand_key_of(session, keyring).seal(secret, f"line_account.secret:{channel.id}")


def commit_channel(home: BrandHome, keyring: Keyring, **changes: Any) -> Channel:
    """A committed account of one new store."""
    with home.open() as session:
        channel = open_channel(session, keyring, make.store(session), **changes)
        session.commit()
    return channel


def told(kind: str, user_id: str | None, at_ms: int | None = None, **more: Any) -> dict[str, Any]:
    """One event as LINE writes it."""
    event = {
        "type": kind,
        "webhookEventId": "01M" + os.urandom(11).hex().upper()[:23],
        "deliveryContext": {"isRedelivery": False},
        "timestamp": at_ms if at_ms is not None else int(time.time() * 1000),
        "source": {"type": "user", **({"userId": user_id} if user_id else {})},
        "mode": "active",
    }
    if kind == "follow":
        event["follow"] = {"isUnblocked": False}
    if kind == "message":
        event["message"] = {"type": "text", "id": "1", "text": "こんにちは"}
    if kind == "postback":
        event["postback"] = {"data": "action=join"}
    return {**event, **more}


def write_call(channel: Channel, *events: Any) -> bytes:
    """The body of a call with these events."""
    return orjson.dumps({"destination": channel.bot_user_id, "events": list(events)})


def call(api: TestClient, channel: Channel, body: bytes, secret: str | None = None) -> Any:
    """Call the webhook, signed with the channel's secret or with another."""
    signature = sign(secret or channel.secret, body).decode()
    return api.post(channel.path, content=body, headers={"x-line-signature": signature})


def tell(api: TestClient, channel: Channel, *events: Any) -> None:
    """Call the webhook with these events; it must take them."""
    answer = call(api, channel, write_call(channel, *events))
    assert answer.status_code == 200, answer.text


def work_off_all(engine: Engine, keyring: Keyring, settings: Settings, channel: Channel) -> None:
    """Work until nothing of this account waits."""
    while work_line_events(engine, keyring, settings, channel.brand_id, channel.id, NOW):
        pass


def stored(home: BrandHome, channel: Channel) -> list[Any]:
    """The account's rows of `line_event`, in the order of LINE's time."""
    with home.open(Scope(home.scope.brand_id)) as session:
        return list(
            session.execute(
                text("SELECT * FROM line_event WHERE line_account_id = :id ORDER BY occurred_at"), {"id": channel.id}
            )
        )


def count(session: Session, table: str) -> int:
    """Rows of a table that this session sees."""
    return int(session.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())
