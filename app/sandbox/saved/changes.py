"""What each line of a saved world means, and how a world is made of such lines again.

A line is a JSON list: the name of a change and its values. It says what is, not what was added, so that reading one
twice does no harm. A snapshot is nothing but lines that lead from an empty world to the one it was taken of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.sandbox import world
from app.sandbox.state import Noted, Sandbox
from app.sandbox.world import ROW_FIELDS, Channel, Provider


@dataclass(slots=True)
class Reading:
    """A sandbox being made again."""

    sandbox: Sandbox
    clears_left: int = 0
    """How often the world is cleared in what is still to be read. What was before the last time is gone, and must not
    even be looked at: a snapshot that was taken after it does not know the people whom earlier changes name."""
    calls_counted: dict[int, int] = field(default_factory=dict)
    """By channel number: how many of the accepted calls its `used` knows of."""
    _numbers: list[int] = field(default_factory=list)
    """One int for each person, shared by all that name her: thirty bytes less in each place."""
    _parts: dict[str, Any] = field(default_factory=dict)
    _noted: list[tuple[str, list[Any]]] = field(default_factory=list)

    def apply(self, change: list[Any]) -> None:
        """Make true what one line says. Raises KeyError, IndexError, TypeError or ValueError for nonsense."""
        name, *values = change
        if name not in _CHANGES:
            raise ValueError(f"there is no change {name!r}")
        if not self.clears_left or name in _NOT_OF_THE_WORLD:
            _CHANGES[name](self, *values)

    def finish(self) -> None:
        """Give the parts what is theirs: they may look at the world, so they come last."""
        parts = self.sandbox.list_saved()
        for name, value in self._parts.items():
            if name in parts:
                parts[name].restore(value)
        for name, change in self._noted:
            part = parts.get(name)
            if isinstance(part, Noted):
                part.replay(*change)

    def _number(self, no: int) -> int:
        while len(self._numbers) <= no:
            self._numbers.append(len(self._numbers))
        return self._numbers[no]

    def _provider(self, provider_id: str, name: str) -> None:
        """New providers give an id to everybody, which nobody had to write down."""
        world.put_provider(self.sandbox.world, provider_id, name)

    def _people(
        self, first: int, ids: list[str], names: list[str | None], user_ids: dict[str, list[str | None]]
    ) -> None:
        """A run of people who are new. What is null is the same as the id."""
        known = self.sandbox.world
        if first != len(known.person_ids) or set(user_ids) != set(known.providers):
            raise ValueError("people out of turn")
        last = first + len(ids)
        self._number(last)
        numbers = self._numbers[first:last]
        known.person_ids += ids
        known.person_names += [each if each is not None else own for each, own in zip(names, ids, strict=True)]
        known.person_numbers.update(zip(ids, numbers, strict=True))
        for provider_id, each_user_id in user_ids.items():
            theirs = [each if each is not None else own for each, own in zip(each_user_id, ids, strict=True)]
            provider = known.providers[provider_id]
            provider.user_ids += theirs
            provider.numbers.update(zip(theirs, numbers, strict=True))

    def _person(self, no: int, person_id: str, name: str, user_ids: dict[str, str]) -> None:
        known = self.sandbox.world
        if no < len(known.person_ids):
            known.person_names[no] = name
        else:
            user_ids = {key: person_id if each == person_id else each for key, each in user_ids.items()}
            if world.put_person(known, person_id, name, user_ids) != no:
                raise ValueError("a person out of turn")
            return
        for provider_id, user_id in user_ids.items():
            _correct_id(known.providers[provider_id], self._number(no), user_id)

    def _name(self, no: int, name: str) -> None:
        self.sandbox.world.person_names[no] = name

    def _channel(self, row: dict[str, Any]) -> None:
        known = self.sandbox.world
        if row["no"] < len(known.channels_by_no):
            channel = known.channels_by_no[row["no"]]
            for name, value in row.items():
                if name not in ROW_FIELDS:
                    raise ValueError(f"a channel has no {name}")
                setattr(channel, name, value)
            return
        if row["no"] != len(known.channels_by_no) or row["provider_id"] not in known.providers:
            raise ValueError("a channel out of turn")
        channel = Channel(**row)
        known.channels[channel.channel_id] = channel
        known.channels_by_no.append(channel)

    def _used(self, channel_no: int, used: dict[str, int], calls_counted: int) -> None:
        self.sandbox.world.channels_by_no[channel_no].used = used
        self.calls_counted[channel_no] = calls_counted

    def _tie(self, channel_no: int, no: int, tie: int) -> None:
        known = self.sandbox.world
        world.set_tie(known, known.channels_by_no[channel_no], self._number(no), tie)

    def _ties(self, channel_no: int, tie: int, numbers: list[int]) -> None:
        """Many who are the same to a channel that was a stranger to them."""
        channel = self.sandbox.world.channels_by_no[channel_no]
        user_ids, shared = self.sandbox.world.providers[channel.provider_id].user_ids, self._numbers
        if numbers:
            self._number(max(numbers))
        ties = channel.friends if tie == world.FOLLOWS else channel.blocked
        ties.update((user_ids[no], shared[no]) for no in numbers)

    def _wrote(self, channel_no: int, no: int, at: float) -> None:
        known = self.sandbox.world
        world.write(known, known.channels_by_no[channel_no], no, at)

    def _writers(self, channel_no: int, wrote_at: dict[str, float]) -> None:
        self.sandbox.world.channels_by_no[channel_no].wrote_at.update(wrote_at)

    def _trait(self, name: str, no: int, value: Any) -> None:
        world.set_trait(self.sandbox.world, no, name, value)

    def _traits(self, name: str, numbers: list[int], values: list[Any]) -> None:
        self.sandbox.world.traits.setdefault(name, {}).update(zip(numbers, values, strict=True))

    def _clear(self) -> None:
        self.clears_left -= 1
        self.sandbox.world.clear()
        self.calls_counted.clear()

    def _message_no(self, next_message_no: int) -> None:
        self.sandbox.next_message_no = max(self.sandbox.next_message_no, next_message_no)

    def _part(self, name: str, value: Any) -> None:
        """A part as a whole; what was noted of it before is in it."""
        self._parts[name] = value
        self._noted = [each for each in self._noted if each[0] != name]

    def _note(self, name: str, *change: Any) -> None:
        self._noted.append((name, list(change)))


_CHANGES: dict[str, Callable[..., None]] = {
    "provider": Reading._provider,
    "people": Reading._people,
    "person": Reading._person,
    "name": Reading._name,
    "channel": Reading._channel,
    "used": Reading._used,
    "tie": Reading._tie,
    "ties": Reading._ties,
    "wrote": Reading._wrote,
    "writers": Reading._writers,
    "trait": Reading._trait,
    "traits": Reading._traits,
    "clear": Reading._clear,
    "message_no": Reading._message_no,
    "part": Reading._part,
    "note": Reading._note,
}

_NOT_OF_THE_WORLD = ("clear", "message_no", "part", "note")


def _correct_id(provider: Provider, no: int, user_id: str) -> None:
    """She was given an id that a new provider made up, before it was read that she had one of her own."""
    made_up = provider.user_ids[no]
    if made_up != user_id:
        provider.numbers.pop(made_up, None)
        provider.user_ids[no] = user_id
        provider.numbers[user_id] = no
