"""What the statistics are made of, beside the ledger: who saw and tapped what, sends by hand, friends by day."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from app.sandbox.world import DELETED, Channel, World

PAID_OF_MANAGER = ("broadcast", "targeting", "stepMessage")
"""What is sent from LINE's manager and counts towards the quota, by the names of insight."""
FREE_OF_MANAGER = ("autoResponse", "welcomeResponse", "chat")


class Act(IntEnum):
    """What a person can do to a bubble, as far as LINE counts it."""

    SEEN = 0
    CLICKED = 1
    PLAYED = 2


class Acted(NamedTuple):
    """One act. `seq` is the bubble's place in its call, from 1."""

    call_no: int
    person_no: int
    seq: int
    act: Act
    detail: int
    """The number of the URL that was clicked, or the percentage that was played."""
    day: int


class Closing(NamedTuple):
    """When a day ended: who had ever become a friend, who was reached, and who blocked. Those whose LINE account is
    gone are among the first only."""

    day: int
    followers: int
    reach: int
    blocks: int


class Acts:
    """Everything that people did to messages, in columns of 16 bytes, and by call."""

    def __init__(self) -> None:
        self._call_nos = array("I")
        self._people = array("I")
        self._seqs = array("B")
        self._acts = array("B")
        self._details = array("I")
        self._days = array("H")
        self._by_call: dict[int, array[int]] = {}
        self._urls: list[str] = []
        self._url_numbers: dict[str, int] = {}
        self._last_seen: dict[int, int] = {}

    def add(self, acted: Acted) -> int:
        """Keep an act. Its place among all."""
        self._by_call.setdefault(acted.call_no, array("I")).append(len(self._days))
        self._call_nos.append(acted.call_no)
        self._people.append(acted.person_no)
        self._seqs.append(acted.seq)
        self._acts.append(acted.act)
        self._details.append(acted.detail)
        self._days.append(acted.day)
        return len(self._days) - 1

    def __len__(self) -> int:
        return len(self._days)

    def list_of(self, call_nos: Iterable[int], first_day: int, last_day: int) -> Iterator[Acted]:
        """The acts on these calls, on these days."""
        for call_no in call_nos:
            for place in self._by_call.get(call_no, ()):
                if first_day <= self._days[place] <= last_day:
                    yield self._get(place)

    def _get(self, place: int) -> Acted:
        return Acted(
            self._call_nos[place],
            self._people[place],
            self._seqs[place],
            Act(self._acts[place]),
            self._details[place],
            self._days[place],
        )

    def number_of_url(self, url: str) -> int:
        """The number of a URL, given to it at the first time."""
        if url not in self._url_numbers:
            self._url_numbers[url] = len(self._urls)
            self._urls.append(url)
        return self._url_numbers[url]

    def get_url(self, number: int) -> str:
        return self._urls[number]

    def find_last_seen(self, channel_no: int, person_no: int) -> int:
        """The last call of this channel that she has seen, -1 for none."""
        return self._last_seen.get(channel_no << 32 | person_no, -1)

    def mark_seen(self, channel_no: int, person_no: int, call_no: int) -> None:
        self._last_seen[channel_no << 32 | person_no] = call_no

    def saved(self) -> Any:
        """Everything there is."""
        return {
            "acts": [list(self._get(place)) for place in range(len(self))],
            "urls": self._urls,
            "last_seen": list(self._last_seen.items()),
        }

    def restore(self, value: Any) -> None:
        """Take it back."""
        for place, acted in enumerate(value["acts"]):
            self.replay_act(place, *acted)
        for url in value["urls"]:
            self.number_of_url(url)
        self._last_seen = dict(value["last_seen"])

    def replay_act(self, place: int, call_no: int, person_no: int, seq: int, act: int, detail: int, day: int) -> None:
        """Keep an act that may be here already."""
        if place == len(self):
            self.add(Acted(call_no, person_no, seq, Act(act), detail, day))


@dataclass(slots=True)
class Insight:
    """What statistics need that the ledger does not hold. Whoever changes it notes it, in the words of `replay`."""

    acts: Acts = field(default_factory=Acts)
    _by_hand: dict[tuple[int, int, str], int] = field(default_factory=dict)
    """Messages from the manager, by channel number, day and kind."""
    _closings: dict[int, list[Closing]] = field(default_factory=dict)
    """By channel number, oldest first; a day that is not there ended as the one before it."""
    _today: int | None = None
    _watched: bool = False
    """Whether this process has looked at the day before."""

    def saved(self) -> Any:
        """All of it."""
        return {
            "acts": self.acts.saved(),
            "by_hand": [[*key, count] for key, count in self._by_hand.items()],
            "closings": [[no, _rows(closings)] for no, closings in self._closings.items()],
            "today": self._today,
        }

    def restore(self, value: Any) -> None:
        """Take it back."""
        self.acts.restore(value["acts"])
        self._by_hand = {(no, day, kind): count for no, day, kind, count in value["by_hand"]}
        self._closings = {no: [Closing(*each) for each in closings] for no, closings in value["closings"]}
        self._today = value["today"]

    def replay(self, name: str, *values: Any) -> None:
        """Make a change again: an act, the number of a URL, what was seen last, a send by hand, an ended day."""
        match name:
            case "act":
                place, acted = values
                self.acts.replay_act(place, *acted)
            case "url":
                (url,) = values
                self.acts.number_of_url(url)
            case "seen":
                channel_no, person_no, call_no = values
                self.acts.mark_seen(channel_no, person_no, call_no)
            case "by_hand":
                channel_no, day, kind, count = values
                self._by_hand[channel_no, day, kind] = count
            case "closings":
                channel_no, closings = values
                self._closings[channel_no] = [Closing(*each) for each in closings]
            case "today":
                (self._today,) = values
            case "reset":
                self.reset()
            case _:
                raise ValueError(f"insight knows no change {name!r}")

    def reset(self) -> None:
        """Nothing happened, and no day has ended."""
        self.acts = Acts()
        self._by_hand.clear()
        self._closings.clear()
        self._today = None

    def count_manager_send(self, channel: Channel, day: int, kind: str, count: int) -> int:
        """Count what someone sent from the manager. How much that makes on this day."""
        key = (channel.no, day, kind)
        self._by_hand[key] = self._by_hand.get(key, 0) + count
        return self._by_hand[key]

    def get_manager_sends(self, channel: Channel, day: int) -> dict[str, int]:
        """How many messages were sent from the manager on a day, by kind."""
        found = {kind: self._by_hand.get((channel.no, day, kind), 0) for kind in (*PAID_OF_MANAGER, *FREE_OF_MANAGER)}
        return {kind: count for kind, count in found.items() if count}

    def close_days(self, world: World, today: int) -> Iterator[tuple[Any, ...]]:
        """Keep how days ended that are over by now, before friends change. Gives the changes.

        Days that are to come again, as the clock was turned back, are forgotten. That it starts anew with the process
        is no turning back.
        """
        if today == self._today:
            return
        turned_back = self._watched and self._today is not None and today < self._today
        gone = _count_gone(world)
        for channel in world.channels_by_no:
            closings = self._closings.get(channel.no, [])
            kept = [each for each in closings if each.day < today] if turned_back else closings
            if self._today is not None and self._today < today:
                kept = _with(kept, _count(channel, gone, self._today))
            if kept != closings:
                self._closings[channel.no] = kept
                yield "closings", channel.no, _rows(kept)
        self._today, self._watched = today, True
        yield "today", today

    def get_closing(self, world: World, channel: Channel, day: int) -> Closing:
        """How a day ended.

        A world is filled with friends who had been there before: days before the first that was seen to end are like
        that one, and like this moment as long as none was.
        """
        closings = self._closings.get(channel.no)
        if not closings:
            return _count(channel, _count_gone(world), day)
        return closings[max(0, bisect_right(closings, day, key=lambda closing: closing.day) - 1)]


def _with(closings: list[Closing], closing: Closing) -> list[Closing]:
    """With one more day in its place, unless that ended as the one before it."""
    place = bisect_right(closings, closing.day, key=lambda each: each.day)
    if place and closings[place - 1][1:] == closing[1:]:
        return closings
    return [*(each for each in closings[:place] if each.day < closing.day), closing, *closings[place:]]


def _rows(closings: Sequence[Closing]) -> list[list[int]]:
    """As lists, which JSON knows."""
    return [list(each) for each in closings]


def _count(channel: Channel, gone: Mapping[int, int], day: int) -> Closing:
    friends, blocks = len(channel.friends), len(channel.blocked)
    return Closing(day, friends + blocks + gone.get(channel.no, 0), friends, blocks)


def _count_gone(world: World) -> Mapping[int, int]:
    """How many friends, or former ones, of each channel have deleted their LINE account, by channel number."""
    gone = world.traits.get(DELETED, {}).values()
    return Counter(no for tied_to in gone if isinstance(tied_to, list) for no in tied_to)
