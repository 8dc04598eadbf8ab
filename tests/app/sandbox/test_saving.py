"""However a world comes about, and whenever its process is killed, what is read again is a whole world."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.sandbox import storage, world
from app.sandbox.control_routes import reset
from app.sandbox.ledger import AcceptedCall, Kind
from app.sandbox.state import Sandbox
from app.sandbox.storage import BrokenStateFile

MONTH = "2026-11"


def picture(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that has to survive, comparable."""
    known = sandbox.world
    return {
        "providers": {each.id: (each.name, each.user_ids, each.numbers) for each in known.providers.values()},
        "people": (known.person_ids, known.person_names, known.person_numbers),
        "traits": {name: values for name, values in known.traits.items() if values},
        "channels": [
            (
                world.channel_row(each),
                each.friends,
                each.blocked,
                each.wrote_at,
                {k: v for k, v in each.used.items() if v},
            )
            for each in known.channels_by_no
        ],
        "calls": [sandbox.ledger.get(number) for number in range(len(sandbox.ledger))],
        "parts": {name: part.saved() for name, part in sandbox.list_saved().items()},
        "next_message_no": sandbox.next_message_no,
    }


def read(folder: Path) -> Sandbox:
    sandbox = Sandbox()
    storage.load(sandbox, folder / "sandbox.json")
    return sandbox


class Life:
    """What happens to a world, drawn by a seed."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox, self.lot = sandbox, random.Random(seed)
        self.doings = [
            *[self._person] * 6,
            *[self._tie] * 8,
            *[self._call] * 4,
            *[self._channel] * 2,
            self._write,
            self._rename,
            self._trait,
            self._provider,
            self._setting,
            self._token,
            self._content,
        ]

    def act(self) -> None:
        self.lot.choice(self.doings)()

    def _someone(self) -> int | None:
        return self.lot.randrange(len(self.sandbox.world.person_ids)) if self.sandbox.world.person_ids else None

    def _some_channel(self) -> Any:
        channels = self.sandbox.world.channels_by_no
        return self.lot.choice(channels) if channels else None

    def _person(self) -> None:
        number = self.lot.randrange(10_000)
        known = self.sandbox.world
        if number % 2 and known.providers:
            user_id = f"U{number:032x}"
            provider_id = self.lot.choice(list(known.providers))
            if user_id not in known.providers[provider_id].numbers and user_id not in known.person_numbers:
                world.put_person(known, user_id, None, {provider_id: user_id})
        else:
            world.put_person(known, f"person{number}", f"客 {number}", {})

    def _tie(self) -> None:
        channel, no = self._some_channel(), self._someone()
        if channel is not None and no is not None:
            self.lot.choice((world.follow, world.block, world.unblock))(self.sandbox.world, channel, no)

    def _write(self) -> None:
        channel, no = self._some_channel(), self._someone()
        if channel is not None and no is not None:
            world.write(self.sandbox.world, channel, no, float(self.lot.randrange(1_000)))

    def _rename(self) -> None:
        if (no := self._someone()) is not None:
            world.put_person(self.sandbox.world, self.sandbox.world.person_ids[no], f"新 {self.lot.random()}", {})

    def _trait(self) -> None:
        if (no := self._someone()) is not None:
            world.set_trait(self.sandbox.world, no, "language", self.lot.choice(("en", "th", None)))

    def _provider(self) -> None:
        world.put_provider(self.sandbox.world, f"200000000{self.lot.randrange(3)}", f"名 {self.lot.randrange(9)}")

    def _channel(self) -> None:
        number = self.lot.randrange(6)
        known = self.sandbox.world.channels.get(f"c{number}")
        provider_id = known.provider_id if known else f"200000000{number % 3}"
        settings = {"display_name": f"店 {self.lot.randrange(99)}", "used": 5}
        world.put_channel(self.sandbox.world, f"c{number}", provider_id, settings, MONTH)

    def _setting(self) -> None:
        if (channel := self._some_channel()) is not None:
            channel.webhook_active = not channel.webhook_active
            self.sandbox.world.version += 1

    def _token(self) -> None:
        self.sandbox.oidc.put_person(
            {"email": f"staff{self.lot.randrange(5)}@noren.test", "name": str(self.lot.random())}
        )
        self.sandbox.world.version += 1

    def _content(self) -> None:
        kept = self.sandbox.contents
        if (channel := self._some_channel()) is not None and (no := self._someone()) is not None:
            from app.sandbox.contents.state import Content

            message_id = str(self.lot.randrange(5))
            if kept.find(message_id):
                kept.unsend(message_id, self.sandbox.world.changes)
            else:
                kept.put(
                    Content(message_id, channel.no, no, "image", "image/png", 9, 0.0, 0.0), self.sandbox.world.changes
                )

    def _call(self) -> None:
        channel = self._some_channel()
        if channel is None:
            return
        people = list(channel.friends.values())[: self.lot.randrange(4)]
        kind = self.lot.choice((Kind.PUSH, Kind.REPLY))
        at = 1_795_230_000.0
        if kind is Kind.PUSH:
            channel.used[MONTH] = channel.used.get(MONTH, 0) + len(people)
        key = self.lot.randbytes(16) if self.lot.random() < 0.5 else None
        request_id, number = self.lot.randbytes(16), self.sandbox.take_message_nos(5)
        messages = orjson.dumps([{"type": "text", "text": str(number % 3)}])
        self.sandbox.ledger.append(AcceptedCall(at, at, kind, channel.no, request_id, key, number, messages, people))


@pytest.mark.parametrize("seed", range(6))
def test_a_world_is_read_as_it_was_and_at_any_kill_as_a_whole(tmp_path: Path, seed: int) -> None:
    asyncio.run(_live(tmp_path, seed))


async def _live(tmp_path: Path, seed: int) -> None:
    home = tmp_path / "home"
    sandbox = Sandbox()
    store = storage.load(sandbox, home / "sandbox.json")
    life, lot = Life(sandbox, seed), random.Random(-seed)
    for turn in range(12):
        saving = asyncio.create_task(
            storage.sum_up(sandbox, store) if lot.random() < 0.5 else storage.save_now(sandbox, store)
        )
        while not saving.done():
            for _ in range(lot.randrange(8)):
                life.act()
            if lot.random() < 0.05:
                reset(sandbox, world_too=lot.random() < 0.5)
            await asyncio.sleep(0)
        await saving
        killed = tmp_path / f"killed{turn}"
        shutil.copytree(home, killed)
        read(killed)
        if lot.random() < 0.3:
            storage.save(sandbox, store)
            assert picture(read(home)) == picture(sandbox)
            sandbox = Sandbox()
            store = storage.load(sandbox, home / "sandbox.json")
            life.sandbox = sandbox
    await storage.save_now(sandbox, store)
    assert picture(read(home)) == picture(sandbox)


def test_a_kill_while_a_snapshot_is_written_leaves_the_one_before_and_all_changes(tmp_path: Path) -> None:
    async def live() -> dict[str, Any]:
        sandbox = Sandbox()
        store = storage.load(sandbox, tmp_path / "sandbox.json")
        life = Life(sandbox, 1)
        for _ in range(500):
            life.act()
        await storage.sum_up(sandbox, store)
        for _ in range(500):
            life.act()
        saving = asyncio.create_task(storage.sum_up(sandbox, store))
        while not store.beside("new").exists():
            await asyncio.sleep(0)
        shutil.copytree(tmp_path, tmp_path / "killed")
        await saving
        return picture(sandbox)

    alive = asyncio.run(live())
    assert (tmp_path / "killed" / "sandbox.json.new").exists()
    assert picture(read(tmp_path / "killed")) == alive == picture(read(tmp_path))


def _saved(folder: Path) -> dict[str, Any]:
    sandbox = Sandbox()
    store = storage.load(sandbox, folder / "sandbox.json")
    life = Life(sandbox, 2)
    for _ in range(300):
        life.act()
    asyncio.run(storage.save_now(sandbox, store))
    return picture(sandbox)


def test_a_line_torn_by_a_kill_is_dropped_and_later_ones_follow_in_its_place(tmp_path: Path) -> None:
    _saved(tmp_path)
    changes, calls = tmp_path / "sandbox.json.changes.0", tmp_path / "sandbox.json.calls"
    before = picture(read(tmp_path))
    for path in (changes, calls):
        with path.open("ab") as file:
            file.write(path.read_bytes().splitlines(keepends=True)[-1][:-7])
    sandbox = Sandbox()
    store = storage.load(sandbox, tmp_path / "sandbox.json")
    assert picture(sandbox) == before
    world.put_person(sandbox.world, "late", None, {})
    asyncio.run(storage.save_now(sandbox, store))
    assert "late" in read(tmp_path).world.person_numbers


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    _saved(tmp_path)
    sandbox = Sandbox()
    store = storage.load(sandbox, tmp_path / "sandbox.json")
    before = _sizes(tmp_path)
    asyncio.run(storage.save_now(sandbox, store))
    assert _sizes(tmp_path) == before


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def test_a_small_world_ends_as_a_snapshot_alone(tmp_path: Path) -> None:
    alive = _saved(tmp_path)
    sandbox = Sandbox()
    store = storage.load(sandbox, tmp_path / "sandbox.json")
    storage.save(sandbox, store)
    assert not [path for path in tmp_path.iterdir() if ".changes." in path.name]
    assert picture(read(tmp_path)) == alive


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def live() -> dict[str, Any]:
        sandbox = Sandbox()
        store = storage.load(sandbox, tmp_path / "sandbox.json")
        life = Life(sandbox, 3)
        for _ in range(300):
            life.act()
        store.changes_file.mkdir()  # Nobody can write to a folder.
        with pytest.raises(OSError, match="directory"):
            await storage.save_now(sandbox, store)
        store.changes_file.rmdir()
        for _ in range(50):
            life.act()
        await storage.save_now(sandbox, store)
        return picture(sandbox)

    alive = asyncio.run(live())
    assert picture(read(tmp_path)) == alive


def _version_2(sandbox: Sandbox) -> bytes:
    """A world as an earlier version wrote it."""
    known = sandbox.world
    channels = [
        {
            **world.channel_row(each),
            "used": each.used,
            "friends": list(each.friends.values()),
            "blocked": list(each.blocked.values()),
            "wrote_at": each.wrote_at,
        }
        for each in known.channels_by_no
    ]
    providers = [{"id": each.id, "name": each.name, "user_ids": each.user_ids} for each in known.providers.values()]
    return orjson.dumps(
        {
            "version": 2,
            "calls": len(sandbox.ledger),
            "next_message_no": sandbox.next_message_no,
            "providers": providers,
            "person_ids": known.person_ids,
            "person_names": known.person_names,
            "channels": channels,
            "oidc": sandbox.oidc.saved(),
        }
    )


def test_a_world_of_the_version_before_is_read_and_goes_on(tmp_path: Path) -> None:
    old = Sandbox()
    life = Life(old, 4)
    for _ in range(200):
        life.act()
    old.ledger = type(old.ledger)()
    file = tmp_path / "sandbox.json"
    file.write_bytes(_version_2(old))
    sandbox = Sandbox()
    store = storage.load(sandbox, file)
    assert sandbox.world.person_ids == old.world.person_ids
    assert [each.friends for each in sandbox.world.channels_by_no] == [
        each.friends for each in old.world.channels_by_no
    ]
    assert sandbox.oidc.people == old.oidc.people
    world.put_person(sandbox.world, "late", None, {})
    asyncio.run(storage.save_now(sandbox, store))
    assert "late" in read(tmp_path).world.person_numbers
    storage.save(sandbox, store)
    assert picture(read(tmp_path)) == picture(sandbox)


def _nonsense() -> Iterator[bytes]:
    head = b'{"version":3,"generation":0}\n'
    yield head
    yield head + b'["people",5,["a"],["b"],{}]\n["end"]\n'
    yield head + b'["channel",{"no":0,"provider_id":"x"}]\n["end"]\n'
    yield head + b'["novelty"]\n["end"]\n'
    yield head + b'{"a":1}\n["end"]\n'
    yield b'{"version":2}'


@pytest.mark.parametrize("content", list(_nonsense()))
def test_a_snapshot_that_makes_no_world_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sandbox.json").write_bytes(content)
    with pytest.raises(BrokenStateFile, match=r"sandbox\.json"):
        read(tmp_path)
