"""Groups and rooms, and the lists of friends that are being read."""

from array import array
from bisect import bisect_right
from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox.world import Channel

_LISTS_KEPT = 16


@dataclass(slots=True)
class Group:
    """A group chat, or a room, which is a chat of several without a name."""

    id: str
    name: str | None
    """None in a room."""
    picture: bool
    people: list[int]
    """Person numbers, in the order in which they came."""
    channel_no: int | None = None
    """The account that is in it: LINE lets in one at a time."""
    told: bool = True
    """Whether the account knows that it is in: of a room it learns with the first event."""

    @property
    def is_room(self) -> bool:
        return self.id.startswith("R")

    def source(self, user_id: str | None = None) -> dict[str, str]:
        """The source of an event here."""
        named = {"type": "room", "roomId": self.id} if self.is_room else {"type": "group", "groupId": self.id}
        return named if user_id is None else {**named, "userId": user_id}


@dataclass(slots=True)
class Groups:
    """All groups and rooms."""

    by_id: dict[str, Group] = field(default_factory=dict)

    def find(self, channel_no: int, group_id: str) -> Group | None:
        """A group in which this channel's account is."""
        group = self.by_id.get(group_id)
        return group if group is not None and group.channel_no == channel_no else None

    def saved(self) -> Any:
        """All of them, as JSON."""
        return [asdict(group) for group in self.by_id.values()]

    def restore(self, value: Any) -> None:
        """Take them back."""
        self.by_id = {row["id"]: Group(**row) for row in value}


@dataclass(slots=True)
class FollowerLists:
    """Numbers of friends in order, by channel: to sort a million for every page would hold up everybody.

    A list is of those who were friends as its first page was asked for; who left since is to be left out.
    """

    _sorted: dict[int, "array[int]"] = field(default_factory=dict)

    def page(self, channel: Channel, after: int, limit: int) -> tuple[list[int], int | None]:
        """Up to `limit` friends beyond this number, and where the next page starts, if there may be more."""
        if after < 0 or channel.no not in self._sorted:
            self._sorted.pop(channel.no, None)
            while len(self._sorted) >= _LISTS_KEPT:
                del self._sorted[next(iter(self._sorted))]
            self._sorted[channel.no] = array("q", sorted(channel.friends.values()))
        numbers = self._sorted[channel.no]
        first = bisect_right(numbers, after)
        found = list(numbers[first : first + limit])
        return found, found[-1] if first + limit < len(numbers) else None

    def reset(self) -> None:
        """Forget the lists."""
        self._sorted.clear()
