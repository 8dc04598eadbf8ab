"""Forwarding over HTTP: who may set it, to where, and what is told of it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, open_channel
from tests.conftest import BrandHome

URL = "https://tool.example.jp/line/webhook?key=a%20b"


@pytest.fixture
def channel(home: BrandHome, keyring: Keyring) -> Channel:
    return commit_channel(home, keyring)


def path_of(channel: Channel) -> str:
    return f"/v1/line-accounts/{encode_id('acc', channel.id)}/forward"


def put(api: TestClient, home: BrandHome, channel: Channel, **body: Any) -> Any:
    return api.put(path_of(channel), json=body, headers=home.headers)


def test_an_address_is_set_read_changed_and_taken_out(api: TestClient, home: BrandHome, channel: Channel) -> None:
    path = path_of(channel)
    assert api.get(path, headers=home.headers).status_code == 404
    made = put(api, home, channel, url=URL).json()
    assert (made["url"], made["active"], made["waiting"], made["dead"]) == (URL, True, 0, 0)
    assert (made["sent_at"], made["failing_since"]) == (None, None)
    changed = put(api, home, channel, url=URL, active=False).json()
    assert (changed["active"], changed["created_at"]) == (False, made["created_at"])
    assert api.get(path, headers=home.headers).json() == changed
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).status_code == 404
    assert api.delete(path, headers=home.headers).status_code == 404
    assert api.post(f"{path}/retry", headers=home.headers).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://tool.example.jp/hook",
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://user:pass@tool.example.jp/",
        "tool.example.jp",
        "http://127.0.0.1:8000/line/webhook/acc_01h455vb4pex5vsknk084sn02q",
        "http://127.0.0.1:8000/anything",
        "",
        "https://tool.example.jp/\u0000",
        7,
        None,
    ],
)
def test_an_address_that_must_not_be_called_is_refused_with_a_pointer(
    api: TestClient, home: BrandHome, channel: Channel, url: Any
) -> None:
    answer = put(api, home, channel, url=url)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/url"


def test_who_only_reads_changes_nothing(api: TestClient, home: BrandHome, channel: Channel) -> None:
    with home.open() as session:
        token = make.access_token(session, ["line_accounts:read"])
        session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    put(api, home, channel, url=URL)
    path = path_of(channel)
    assert api.get(path, headers=headers).status_code == 200
    assert api.get(f"{path}/calls", headers=headers).status_code == 200
    call_id = encode_id("fwd", uuid7())
    refused = [
        api.put(path, json={"url": URL}, headers=headers),
        api.delete(path, headers=headers),
        api.post(f"{path}/retry", headers=headers),
        api.post(f"{path}/calls/{call_id}/retry", headers=headers),
    ]
    assert {answer.status_code for answer in refused} == {403}


def test_another_brands_account_is_not_found(
    api: TestClient, home: BrandHome, other_home: BrandHome, channel: Channel
) -> None:
    put(api, home, channel, url=URL)
    path = path_of(channel)
    assert api.get(path, headers=other_home.headers).status_code == 404
    assert api.get(f"{path}/calls", headers=other_home.headers).status_code == 404
    assert put(api, other_home, channel, url=URL).status_code == 404
    assert api.delete(path, headers=other_home.headers).status_code == 404


def test_a_store_sees_its_own_accounts_only(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    with home.open() as session:
        mine, other = make.store(session), make.store(session)
        channels = [open_channel(session, keyring, store) for store in (mine, other)]
        key = make.store_key(session, mine)
        session.commit()
    for channel in channels:
        put(api, home, channel, url=URL)
    headers = {"Authorization": f"Bearer {key}"}
    assert [api.get(path_of(channel), headers=headers).status_code for channel in channels] == [200, 404]
    replies = [path_of(channel).replace("forward", "replies") for channel in channels]
    assert [api.get(path, headers=headers).status_code for path in replies] == [200, 404]
