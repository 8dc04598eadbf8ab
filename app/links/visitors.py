"""Who visits a link: a person who tapped on it, or a program that looks ahead for her."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from prometheus_client import Counter

VISITS: Final = Counter("noren_link_visits_total", "Visits to tracked links, by what visited.", ["kind"])


class Visitor(StrEnum):
    """What a visit is counted as."""

    PERSON = "person"
    PREVIEW = "preview"
    """Counted by itself, never as a click."""
    UNKNOWN = "unknown"
    """Of a link that does not exist."""


# LINE's own previewer says "facebookexternalhit/1.1;line-poker/1.0". A Cubot is a telephone.
_PROGRAM: Final = re.compile(
    r"(?<!cu)bot\b|bot[/;_-]|crawl|spider|slurp|facebookexternalhit|line-poker|whatsapp|skypeuripreview|bingpreview"
    r"|google-safety|googleother|google-read-aloud|mediapartners|apis-google|feedfetcher|embedly|quora link|pinterest/0"
    r"|headlesschrome|phantomjs|lighthouse|preview|prerender|safebrowsing|virustotal|urlscan|barracuda|proofpoint"
    r"|curl/|wget/|python-|aiohttp|httpx|okhttp|go-http-client|java/|libwww|axios|node-fetch|scrapy|httpclient",
    re.IGNORECASE,
)
_AHEAD: Final = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_AHEAD_VALUES: Final = ("prefetch", "prerender", "preview", "instant")


def tell_visitor(method: str, headers: Mapping[str, str]) -> Visitor:
    """Whether somebody tapped, by the method and the headers, whose names are asked in lower case.

    A program says what it is, or asks for the head, or fetches ahead, or fetches something that is no page; whoever
    hides all of that is counted as a person.
    """
    if method != "GET":
        return Visitor.PREVIEW
    agent = headers.get("user-agent", "")
    if not agent.strip() or _PROGRAM.search(agent):
        return Visitor.PREVIEW
    if any(word in headers.get(name, "").lower() for name in _AHEAD for word in _AHEAD_VALUES):
        return Visitor.PREVIEW
    if headers.get("sec-fetch-mode", "navigate") != "navigate":
        return Visitor.PREVIEW
    return Visitor.PERSON
