"""Findings: what a check found, each as one plain sentence in English and Japanese, and what to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from app.admin.line_accounts.texts import SENTENCES

Severity = Literal["ok", "advice", "trouble"]
Language = Literal["en", "ja"]

OVER_THE_WALL: Final = frozenset({"provider", "duplicate"})
"""Checks that speak of other accounts of the brand, of which a store may know nothing."""
LONGEST_VALUE: Final = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, what is so, and what to do where it should not be so."""

    check: str
    code: str
    """What exactly was found, for programs; the same code has always the same sentence."""
    severity: Severity
    detail: str
    detail_ja: str
    remedy: str | None = None
    remedy_ja: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the account can work as it is."""
        return self.severity != "trouble"

    def tell(self, language: Language = "en") -> str:
        """What is so and what to do, as one text."""
        said, remedy = (self.detail_ja, self.remedy_ja) if language == "ja" else (self.detail, self.remedy)
        if remedy is None:
            return said
        return f"{said}{remedy}" if language == "ja" else f"{said} {remedy}"


def say(code: str, /, **values: object) -> Finding:
    """The finding of this code, its gaps filled with `values`; what came from outside is shortened to one line."""
    sentence = SENTENCES[code]
    shown = {name: _shown(value) for name, value in values.items()}
    texts = (sentence.en, sentence.ja, sentence.remedy, sentence.remedy_ja)
    filled = [text.format_map(shown) if text is not None else None for text in texts]
    return Finding(sentence.check, code, sentence.severity, filled[0] or "", filled[1] or "", filled[2], filled[3])


def _shown(value: object) -> str:
    """A value as it stands in a sentence: numbers grouped, texts on one line and of a sensible length."""
    if isinstance(value, int):
        return f"{value:,}"
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


_WEIGHT: Final[Mapping[str, int]] = {"trouble": 0, "advice": 1, "ok": 2}


def weightiest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Trouble first, then advice, else in the order in which it was looked for."""
    return sorted(findings, key=lambda finding: _WEIGHT[finding.severity])


def find_trouble(findings: Iterable[Finding], language: Language = "en") -> str | None:
    """What is wrong first of all and what to do, or None."""
    return next((finding.tell(language) for finding in findings if not finding.ok), None)


def write_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """As they are kept on the account."""
    return [asdict(finding) for finding in findings]


def read_findings(kept: Sequence[Mapping[str, Any]] | None) -> list[Finding]:
    """What was kept on the account."""
    return [Finding(**one) for one in kept or ()]
