"""What people wrote themselves, which LINE's API never shows again and a phone does; and whose phones were open."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox.ledger import Ledger
from app.sandbox.world import Changes, Channel, World

MOST_SAID = 20_000
"""How many of all people's messages are remembered: a burst of a million must not fill the memory."""
MOST_RECENT = 12
_MOST_READERS = 16
_PART = "phones"


@dataclass(slots=True)
class Said:
    """One bubble of hers. `no` is its message number, which orders it among those of the account."""

    no: int
    channel_no: int
    person_no: int
    at: float
    message: dict[str, Any]
    """As the webhook tells it, or as a message object if LINE shows it and tells nobody."""
    unsent: bool = False


@dataclass(slots=True)
class _Received:
    """The calls that reached somebody, by channel, as far as the ledger has been read."""

    ledger: Ledger
    read: int = 0
    calls: dict[int, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Phones:
    """What was written, newest last. A `Noted` part: each bubble is told for itself."""

    _said: dict[int, Said] = field(default_factory=dict)
    _chats: dict[tuple[int, int], list[Said]] = field(default_factory=dict)
    recent: list[int] = field(default_factory=list)
    """Numbers of people whose phones were opened, last one first."""
    _received: dict[int, _Received] = field(default_factory=dict)

    def hear(self, world: World, channel: Channel, event: Mapping[str, Any]) -> None:
        """Keep what an event says that somebody wrote, or took back. Events made by hand may be wrong in any way."""
        source, message = event.get("source"), event.get("message")
        if not isinstance(source, Mapping) or source.get("type") != "user":
            return
        person_no = world.providers[channel.provider_id].numbers.get(str(source.get("userId")))
        if person_no is None:
            return
        if event.get("type") == "unsend" and isinstance(event.get("unsend"), Mapping):
            self.unsend(channel.no, person_no, str(event["unsend"].get("messageId")), world.changes)
        elif event.get("type") == "message" and isinstance(message, dict):
            message_id, at = str(message.get("id")), event.get("timestamp")
            if message_id.isascii() and message_id.isdigit() and isinstance(at, int):
                shown = {name: value for name, value in message.items() if name != "markAsReadToken"}
                self.say(Said(int(message_id), channel.no, person_no, at / 1000, shown), world.changes)

    def say(self, said: Said, changes: Changes) -> None:
        """She wrote something."""
        self._put(said)
        changes.note("note", _PART, "say", asdict(said))

    def unsend(self, channel_no: int, person_no: int, message_id: str, changes: Changes) -> None:
        """She took a message of hers back."""
        for said in self._chats.get((channel_no, person_no), ()):
            if str(said.no) == message_id:
                said.unsent, said.message = True, {"type": said.message.get("type")}
                changes.note("note", _PART, "say", asdict(said))

    def list_said(self, channel_no: int, person_no: int) -> list[Said]:
        """All that she wrote in one chat and is remembered, oldest first."""
        return self._chats.get((channel_no, person_no), [])

    def list_received(self, ledger: Ledger, person_no: int) -> dict[int, list[int]]:
        """The calls that reached her, oldest first, each once, by channel number.

        Only what is new since the last look is read: a phone looks every second, at a ledger of millions.
        """
        received = self._received.pop(person_no, None)
        if received is None or received.ledger is not ledger:
            received = _Received(ledger)
        self._received[person_no] = received
        if len(self._received) > _MOST_READERS:
            del self._received[next(iter(self._received))]
        for call_no in dict.fromkeys(ledger.list_received(person_no, received.read)):
            received.calls.setdefault(ledger.get_channel_no(call_no), []).append(call_no)
        received.read = len(ledger)
        return received.calls

    def open(self, person_no: int, changes: Changes) -> None:
        """Somebody's phone was opened."""
        if self.recent[:1] != [person_no]:
            self._open(person_no)
            changes.note("note", _PART, "open", person_no)

    def reset(self, changes: Changes, *, everyone: bool) -> None:
        """Forget what was written, and with `everyone` whose phones were opened."""
        self._forget(everyone=everyone)
        changes.note("note", _PART, "forget", everyone)

    def saved(self) -> Any:
        """All of it, as JSON."""
        return {"said": [asdict(each) for each in self._said.values()], "recent": self.recent}

    def restore(self, value: Any) -> None:
        """Take it back."""
        self._forget(everyone=True)
        for row in value["said"]:
            self._put(Said(**row))
        self.recent = list(value["recent"])

    def replay(self, *change: Any) -> None:
        """Make a change again that was noted."""
        match change:
            case "say", row:
                self._put(Said(**row))
            case "open", person_no:
                self._open(person_no)
            case "forget", everyone:
                self._forget(everyone=bool(everyone))
            case _:
                raise ValueError(f"phones know no change {change[:1]}")

    def _put(self, said: Said) -> None:
        known = self._said.get(said.no)
        chat = self._chats.setdefault((said.channel_no, said.person_no), [])
        if known is not None:
            known.unsent, known.message = said.unsent, said.message
            return
        self._said[said.no] = said
        chat.append(said)
        if len(self._said) > MOST_SAID:
            oldest = self._said.pop(next(iter(self._said)))
            key = (oldest.channel_no, oldest.person_no)
            self._chats[key].remove(oldest)
            if not self._chats[key]:
                del self._chats[key]

    def _open(self, person_no: int) -> None:
        self.recent = [person_no, *(each for each in self.recent if each != person_no)][:MOST_RECENT]

    def _forget(self, *, everyone: bool) -> None:
        self._said.clear()
        self._chats.clear()
        self._received.clear()
        if everyone:
            self.recent = []
