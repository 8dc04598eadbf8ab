"""From acts to LINE's figures of a message, which hide what fewer than twenty people did."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.insight.state import Act, Acted, Acts

HIDDEN_BELOW = 20
_QUARTERS = (25, 50, 75, 100)


@dataclass(slots=True)
class Count:
    """How often something was done, and by whom."""

    times: int = 0
    people: set[int] = field(default_factory=set)

    def add(self, person_no: int) -> None:
        self.times += 1
        self.people.add(person_no)

    @property
    def shown_times(self) -> int | None:
        """None if either figure would tell of few."""
        return self.times if min(self.times, len(self.people)) >= HIDDEN_BELOW else None

    @property
    def shown_people(self) -> int | None:
        return len(self.people) if len(self.people) >= HIDDEN_BELOW else None


class Tally:
    """Acts of one request, or of all that stand under one aggregation unit, by bubble and by URL."""

    def __init__(self, acts: Acts, acted: Iterable[Acted]) -> None:
        self._urls = acts
        self._seen: dict[int, Count] = defaultdict(Count)
        self._played: dict[tuple[int, int], Count] = defaultdict(Count)
        self._clicked: dict[tuple[int, int], Count] = defaultdict(Count)
        self._clicked_anywhere: dict[int, Count] = defaultdict(Count)
        self._whole: dict[str, Count] = defaultdict(Count)
        for each in acted:
            self._add(each)

    def _add(self, acted: Acted) -> None:
        person_no = acted.person_no
        match acted.act:
            case Act.SEEN:
                self._seen[acted.seq].add(person_no)
                self._whole["uniqueImpression"].add(person_no)
            case Act.CLICKED:
                self._clicked[acted.seq, acted.detail].add(person_no)
                self._clicked_anywhere[acted.detail].add(person_no)
                self._whole["uniqueClick"].add(person_no)
            case Act.PLAYED:
                self._whole["uniqueMediaPlayed"].add(person_no)
                if acted.detail >= 100:
                    self._whole["uniqueMediaPlayed100Percent"].add(person_no)
                for reached in (0, *_QUARTERS):
                    if acted.detail >= reached:
                        self._played[acted.seq, reached].add(person_no)

    def overview(self) -> dict[str, int | None]:
        """The figures of people over all bubbles."""
        names = ("uniqueImpression", "uniqueClick", "uniqueMediaPlayed", "uniqueMediaPlayed100Percent")
        return {name: self._whole[name].shown_people for name in names}

    def list_messages(self) -> list[dict[str, Any]]:
        """The figures of each bubble of which there is one to tell."""
        shown = []
        for seq in sorted({*self._seen, *(seq for seq, _ in self._played)}):
            figures = {
                "impression": self._seen[seq].shown_times,
                "uniqueImpression": self._seen[seq].shown_people,
                "mediaPlayed": self._played[seq, 0].shown_times,
                "uniqueMediaPlayed": self._played[seq, 0].shown_people,
            }
            for quarter in _QUARTERS:
                figures[f"mediaPlayed{quarter}Percent"] = self._played[seq, quarter].shown_times
                figures[f"uniqueMediaPlayed{quarter}Percent"] = self._played[seq, quarter].shown_people
            if any(figure is not None for figure in figures.values()):
                shown.append({"seq": seq, **figures})
        return shown

    def list_clicks(self) -> list[dict[str, Any]]:
        """The figures of each URL in each bubble of which there is one to tell."""
        shown = []
        for (seq, number), count in sorted(self._clicked.items()):
            figures = {
                "click": count.shown_times,
                "uniqueClick": count.shown_people,
                "uniqueClickOfRequest": self._clicked_anywhere[number].shown_people,
            }
            if any(figure is not None for figure in figures.values()):
                shown.append({"seq": seq, "url": self._urls.get_url(number), **figures})
        return shown
