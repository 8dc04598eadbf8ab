"""Which names an account used in a month, and which calls stand under each."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.sandbox.clock import month_of

MAX_NAMES = 1_000
"""Names a month and account. LINE says nothing of one more: the messages go out and are counted nowhere."""


@dataclass(slots=True)
class Units:
    """The names in use. A name has a number, so that a call under it costs four bytes."""

    _names: list[str] = field(default_factory=lambda: [""])
    _numbers: dict[str, int] = field(default_factory=dict)
    _of_month: dict[tuple[int, str], dict[str, None]] = field(default_factory=dict)
    _calls: dict[tuple[int, str], "array[int]"] = field(default_factory=dict)

    def admits(self, channel_no: int, name: str, now: float) -> bool:
        """Whether a message can stand under this name, which is known this month or among the first thousand."""
        names = self._of_month.get((channel_no, month_of(now)), {})
        return name in names or len(names) < MAX_NAMES

    def note(self, channel_no: int, name: str | None, clock_at: float, call_no: int) -> int:
        """The number of the name, 0 for none, with the call under it."""
        if name is None:
            return 0
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        self._of_month.setdefault((channel_no, month_of(clock_at)), {})[name] = None
        self._calls.setdefault((channel_no, name), array("I")).append(call_no)
        return number

    def get_name(self, number: int) -> str | None:
        """The name with this number, None for 0."""
        return self._names[number] or None

    def list_names(self, channel_no: int, month: str) -> Sequence[str]:
        """The names of a month, in the order of their first use."""
        return list(self._of_month.get((channel_no, month), ()))

    def list_calls(self, channel_no: int, name: str) -> Sequence[int]:
        """The numbers of the calls under a name, oldest first."""
        return self._calls.get((channel_no, name), ())
