"""Of a hundred thousand calls with one thing wrong, none is taken and none is an error of ours."""

import asyncio
import random
from collections.abc import Iterator, MutableMapping
from typing import Any

from fastapi.testclient import TestClient

from app.line.signature import is_signed, sign
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, stored, told, write_call
from tests.conftest import BrandHome

IN_PROCESS, OVER_ASGI = 97_000, 3_000


def corrupt(body: bytes, signature: bytes, chance: random.Random) -> tuple[bytes, bytes | None]:
    """The two with one thing wrong: a byte changed, added, taken out or moved in either, or another's signature."""
    kind = chance.randrange(10)
    if kind < 4:
        return _corrupt_bytes(body, chance), signature
    if kind < 8:
        return body, _corrupt_bytes(signature, chance)
    return body, chance.choice(
        [
            None,
            b"",
            sign("another secret", body),
            sign("", body),
            signature.lower(),
            signature.rstrip(b"="),
            signature + b"=",
            b"sha256=" + signature,
            b'"' + signature + b'"',
            signature * 2,
            signature[: chance.randrange(len(signature))],
            chance.randbytes(chance.randrange(60)).replace(b"\r", b"").replace(b"\n", b""),
        ]
    )


def _corrupt_bytes(value: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(value))
    changed = chance.choice(
        [
            value[:place] + bytes([value[place] ^ 1 << chance.randrange(8)]) + value[place + 1 :],
            value[:place] + chance.randbytes(1) + value[place:],
            value[:place] + value[place + 1 :],
            value[place:] + value[:place],
        ]
    )
    return changed if changed != value else value + b" "


def corruptions(channel: Channel, count: int) -> Iterator[tuple[bytes, bytes | None]]:
    chance = random.Random(count)
    body = write_call(channel, told("message", make.line_user_id()))
    signature = sign(channel.secret, body)
    for _ in range(count):
        yield corrupt(body, signature, chance)


def test_no_corruption_passes_for_signed(home: BrandHome, keyring: Keyring) -> None:
    channel = commit_channel(home, keyring)
    key = channel.secret.encode()
    right = write_call(channel, told("message", make.line_user_id()))
    assert is_signed(key, right, sign(channel.secret, right).decode())
    passed = [
        (body, signature)
        for body, signature in corruptions(channel, IN_PROCESS)
        if is_signed(key, body, None if signature is None else signature.decode("latin-1"))
    ]
    assert passed == []


def test_no_corrupted_call_is_taken_and_none_is_an_error_of_ours(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    channel = commit_channel(home, keyring)
    assert api.portal is not None
    statuses = api.portal.call(_call_all, api.app, channel, list(corruptions(channel, OVER_ASGI)))
    assert set(statuses) == {401}
    assert stored(home, channel) == []


async def _call_all(app: Any, channel: Channel, calls: list[tuple[bytes, bytes | None]]) -> list[int]:
    slots = asyncio.Semaphore(50)

    async def call(body: bytes, signature: bytes | None) -> int:
        async with slots:
            return await _call(app, channel.path, body, signature)

    return await asyncio.gather(*(call(*one) for one in calls))


async def _call(app: Any, path: str, body: bytes, signature: bytes | None) -> int:
    """One call straight into the application: what a client library would refuse to send gets there too."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [] if signature is None else [(b"x-line-signature", signature)],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }
    status = 0

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    return status
