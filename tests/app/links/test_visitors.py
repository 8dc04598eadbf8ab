"""People and programs, told apart by what they say of themselves."""

import pytest

from app.links.visitors import Visitor, tell_visitor

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    " Safari Line/14.20.0"
)
CUBOT = "Mozilla/5.0 (Linux; Android 12; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"


@pytest.mark.parametrize("agent", [IPHONE, CUBOT])
def test_whoever_taps_in_line_or_a_browser_is_a_person(agent: str) -> None:
    assert tell_visitor("GET", {"user-agent": agent, "sec-fetch-mode": "navigate"}) is Visitor.PERSON


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"user-agent": "facebookexternalhit/1.1;line-poker/1.0"},
        {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"user-agent": "Twitterbot/1.0"},
        {"user-agent": "curl/8.5.0"},
        {"user-agent": IPHONE, "sec-purpose": "prefetch;prerender"},
        {"user-agent": IPHONE, "purpose": "prefetch"},
        {"user-agent": IPHONE, "x-purpose": "preview"},
        {"user-agent": IPHONE, "sec-fetch-mode": "no-cors"},
    ],
)
def test_what_looks_ahead_is_no_person(headers: dict[str, str]) -> None:
    assert tell_visitor("GET", headers) is Visitor.PREVIEW


def test_whoever_asks_for_the_head_alone_is_no_person() -> None:
    assert tell_visitor("HEAD", {"user-agent": IPHONE}) is Visitor.PREVIEW
