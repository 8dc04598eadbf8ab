"""Sentence: what a finding says, in English and Japanese, with gaps that are filled by name."""

from typing import Literal, NamedTuple


class Sentence(NamedTuple):
    """What is so, and what to do about it; gaps are filled by name."""

    check: str
    severity: Literal["ok", "advice", "trouble"]
    en: str
    ja: str
    remedy: str | None = None
    remedy_ja: str | None = None
