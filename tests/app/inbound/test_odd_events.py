"""Signed events that LINE would never send: none of them stops those behind it."""

import random
import string
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.settings import Settings
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, stored, tell, told, work_off_all
from tests.conftest import BrandHome

INCOMPRESSIBLE = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=5000))


@pytest.fixture
def channel(home: BrandHome, keyring: Keyring) -> Channel:
    return commit_channel(home, keyring)


@pytest.mark.parametrize("kind", ["unsend", "message", "messageEdited", "postback", "follow"])
def test_an_id_longer_than_an_index_takes_holds_up_nothing(
    api: TestClient,
    home: BrandHome,
    engine: Engine,
    keyring: Keyring,
    settings: Settings,
    channel: Channel,
    kind: str,
) -> None:
    odd: dict[str, dict[str, Any]] = {
        "unsend": {"unsend": {"messageId": INCOMPRESSIBLE}},
        "message": {"message": {"type": INCOMPRESSIBLE, "id": INCOMPRESSIBLE, "text": INCOMPRESSIBLE}},
        "messageEdited": {"message": {"type": "text", "id": INCOMPRESSIBLE, "text": "a"}},
        "postback": {"postback": {"data": INCOMPRESSIBLE}},
        "follow": {"replyToken": INCOMPRESSIBLE, "follow": {"isUnblocked": INCOMPRESSIBLE}},
    }
    user = make.line_user_id()
    tell(api, channel, told(kind, user, **odd[kind]), told("follow", user))
    work_off_all(engine, keyring, settings, channel)
    assert [event.worked_at is not None for event in stored(home, channel)] == [True, True]
