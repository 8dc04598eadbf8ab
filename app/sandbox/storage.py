"""What survives a restart: the world in one JSON file, and beside it every accepted call, one line each.

The world is written whole to a new file that takes the old one's place; calls are only ever appended. Retry keys,
inboxes and the quota used are read back from the calls. Faults, scenario, clock and settings start anew, as do
reply tokens and sign-ins. A kill loses at most the last two seconds.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from app.sandbox.clock import month_of
from app.sandbox.ledger import AcceptedCall, Kind
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, Provider

SAVE_SECONDS = 2.0
_VERSION = 2
_TIES = ("friends", "blocked")


class BrokenStateFile(Exception):
    """The file is not a saved world of this version."""


@dataclass(slots=True)
class Store:
    """Where a sandbox is saved, and how far that has come."""

    world_file: Path
    saved_version: int = -1
    saved_calls: int = 0
    saved_resets: int = 0

    @property
    def calls_file(self) -> Path:
        return self.world_file.with_name(self.world_file.name + ".calls")


def load(sandbox: Sandbox, world_file: Path) -> Store:
    """Read what was saved, if anything was. Raises BrokenStateFile."""
    store = Store(world_file)
    if not world_file.exists():
        store.calls_file.unlink(missing_ok=True)
        return store
    try:
        saved = orjson.loads(world_file.read_bytes())
        if saved["version"] != _VERSION:
            raise BrokenStateFile(f"{world_file} was saved by another version; delete it to start anew")
        _restore_world(sandbox, saved)
        _restore_calls(sandbox, store, calls_in_world=saved["calls"])
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError, ValueError) as broken:
        raise BrokenStateFile(f"{world_file} is not a saved world; delete it to start anew") from broken
    store.saved_version = sandbox.world.version
    store.saved_calls = len(sandbox.ledger)
    return store


def save(sandbox: Sandbox, store: Store) -> None:
    """Write what has changed since the last time."""
    store.world_file.parent.mkdir(parents=True, exist_ok=True)
    if store.saved_resets != sandbox.resets:
        store.calls_file.unlink(missing_ok=True)
        store.saved_resets, store.saved_calls = sandbox.resets, 0
    if store.saved_version != sandbox.world.version:
        fresh = store.world_file.with_name(store.world_file.name + ".new")
        fresh.write_bytes(orjson.dumps(_world(sandbox)))
        os.replace(fresh, store.world_file)
        store.saved_version = sandbox.world.version
    if store.saved_calls < len(sandbox.ledger):
        with store.calls_file.open("ab") as calls:
            calls.writelines(_lines(sandbox, store.saved_calls))
        store.saved_calls = len(sandbox.ledger)


async def save_forever(sandbox: Sandbox, store: Store) -> None:
    """Save every two seconds."""
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        save(sandbox, store)


def _world(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "calls": len(sandbox.ledger),
        "next_message_no": sandbox.next_message_no,
        "providers": [
            {"id": each.id, "name": each.name, "user_ids": each.user_ids} for each in sandbox.world.providers.values()
        ],
        "person_ids": sandbox.world.person_ids,
        "person_names": sandbox.world.person_names,
        "channels": [_channel(each) for each in sandbox.world.channels_by_no],
        **{name: part.saved() for name, part in sandbox.list_saved().items()},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    saved = {each.name: getattr(channel, each.name) for each in fields(Channel)}
    for tie in _TIES:
        saved[tie] = list(saved[tie].values())
    return saved


def _restore_world(sandbox: Sandbox, saved: dict[str, Any]) -> None:
    world = sandbox.world
    world.person_ids = saved["person_ids"]
    world.person_names = saved["person_names"]
    world.person_numbers = {person_id: no for no, person_id in enumerate(world.person_ids)}
    for provider in saved["providers"]:
        numbers = {user_id: no for no, user_id in enumerate(provider["user_ids"])}
        world.providers[provider["id"]] = Provider(**provider, numbers=numbers)
    for row in saved["channels"]:
        user_ids = world.providers[row["provider_id"]].user_ids
        for tie in _TIES:
            row[tie] = {user_ids[no]: no for no in row[tie]}
        channel = Channel(**row)
        world.channels[channel.channel_id] = channel
        world.channels_by_no.append(channel)
    sandbox.next_message_no = saved["next_message_no"]
    for name, part in sandbox.list_saved().items():
        if name in saved:  # a world may have been saved before there was such a part
            part.restore(saved[name])


def _lines(sandbox: Sandbox, first: int) -> Iterator[bytes]:
    for call_no in range(first, len(sandbox.ledger)):
        call = sandbox.ledger.get(call_no)
        row = {
            "at": call.at,
            "clock_at": call.clock_at,
            "kind": int(call.kind),
            "channel_no": call.channel_no,
            "request_id": call.request_id.hex(),
            "retry_key": call.retry_key.hex() if call.retry_key else None,
            "first_message_no": call.first_message_no,
            "people": list(call.people),
            "messages": orjson.Fragment(call.messages),
        }
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _restore_calls(sandbox: Sandbox, store: Store, *, calls_in_world: int) -> None:
    if not store.calls_file.exists():
        return
    whole = 0
    with store.calls_file.open("rb") as lines, suppress(orjson.JSONDecodeError):
        for line in lines:
            # A kill in the middle of writing leaves a torn last line.
            if not line.endswith(b"\n"):
                break
            call = _call(orjson.loads(line))
            sandbox.ledger.count_call(call.at)
            sandbox.ledger.append(call)
            whole += len(line)
            sandbox.next_message_no = max(sandbox.next_message_no, call.first_message_no + 5)
            if len(sandbox.ledger) > calls_in_world and call.kind is not Kind.REPLY:
                used = sandbox.world.channels_by_no[call.channel_no].used
                month = month_of(call.clock_at)
                used[month] = used.get(month, 0) + len(call.people)
    os.truncate(store.calls_file, whole)


def _call(row: dict[str, Any]) -> AcceptedCall:
    retry_key = row["retry_key"]
    return AcceptedCall(
        at=row["at"],
        clock_at=row["clock_at"],
        kind=Kind(row["kind"]),
        channel_no=row["channel_no"],
        request_id=bytes.fromhex(row["request_id"]),
        retry_key=bytes.fromhex(retry_key) if retry_key else None,
        first_message_no=row["first_message_no"],
        messages=orjson.dumps(row["messages"]),
        people=row["people"],
    )
