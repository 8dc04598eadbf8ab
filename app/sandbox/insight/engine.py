"""What people do with messages becomes impressions, clicks and plays.

A chat opens at its end: what she has not seen comes into view, and the newest messages once more. LINE counts neither
on a desktop, and no more than 14 days after the sending.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from app.sandbox.insight.days import DAY_SECONDS, day_of
from app.sandbox.insight.demographics import app_type_of
from app.sandbox.insight.state import Act, Acted
from app.sandbox.ledger import AcceptedCall
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

FROZEN_SECONDS = 14 * DAY_SECONDS
_PLAYABLE = ("video", "audio")


class Bubble(NamedTuple):
    """One message of a call; `seq` counts from 1."""

    call_no: int
    call: AcceptedCall
    seq: int
    message: dict[str, Any]


def open_chat(sandbox: Sandbox, channel: Channel, person_no: int) -> int:
    """She opens the chat with an account: how many bubbles came into view."""
    return see(sandbox, channel, person_no, _list_received(sandbox, channel, person_no))


def see(sandbox: Sandbox, channel: Channel, person_no: int, received: Sequence[int]) -> int:
    """The same for whom it is known which calls of the channel she got, oldest first."""
    last_seen = sandbox.insight.acts.find_last_seen(channel.no, person_no)
    fresh = [call_no for call_no in received if call_no > last_seen] or received[-1:]
    shown = 0
    for call_no in fresh:
        call = sandbox.ledger.get(call_no)
        for seq, _ in enumerate(orjson.loads(call.messages), 1):
            _count(sandbox, call, Acted(call_no, person_no, seq, Act.SEEN, 0, 0))
            shown += 1
    if fresh:
        sandbox.insight.acts.mark_seen(channel.no, person_no, fresh[-1])
        note(sandbox, "seen", channel.no, person_no, fresh[-1])
    return shown


def click(sandbox: Sandbox, channel: Channel, person_no: int, url: Any) -> bool:
    """She taps on a link: counted for the newest bubble she got that has it. False if none has.

    What she taps on she has seen, so the chat opens first if she had not.
    """
    received = _list_received(sandbox, channel, person_no)
    for bubble in _newest_first(sandbox, received):
        if url in _list_urls(bubble.message):
            _see_up_to(sandbox, channel, person_no, received, bubble.call_no)
            _click(sandbox, person_no, bubble, url)
            return True
    return False


def click_first(sandbox: Sandbox, person_no: int, received: Sequence[int]) -> bool:
    """She taps on the first link of the newest bubble that has one. False if none has."""
    for bubble in _newest_first(sandbox, received):
        url = next(_list_urls(bubble.message), None)
        if url is not None:
            _click(sandbox, person_no, bubble, url)
            return True
    return False


def play(sandbox: Sandbox, channel: Channel, person_no: int, percent: int) -> bool:
    """She plays the newest video or audio up to a percentage. False if she got none."""
    received = _list_received(sandbox, channel, person_no)
    for bubble in _newest_first(sandbox, received):
        if bubble.message["type"] in _PLAYABLE:
            _see_up_to(sandbox, channel, person_no, received, bubble.call_no)
            _count(sandbox, bubble.call, Acted(bubble.call_no, person_no, bubble.seq, Act.PLAYED, percent, 0))
            return True
    return False


def list_readers(sandbox: Sandbox, channel: Channel) -> dict[int, list[int]]:
    """Who got anything from this channel, and in which calls, oldest first."""
    readers: dict[int, list[int]] = {}
    for call_no in range(len(sandbox.ledger)):
        if sandbox.ledger.get_channel_no(call_no) == channel.no:
            for person_no in dict.fromkeys(sandbox.ledger.get(call_no).people):
                readers.setdefault(person_no, []).append(call_no)
    return readers


def _newest_first(sandbox: Sandbox, received: Sequence[int]) -> Iterator[Bubble]:
    for call_no in reversed(received):
        call = sandbox.ledger.get(call_no)
        for seq, message in reversed([*enumerate(orjson.loads(call.messages), 1)]):
            yield Bubble(call_no, call, seq, message)


def _see_up_to(sandbox: Sandbox, channel: Channel, person_no: int, received: Sequence[int], call_no: int) -> None:
    if sandbox.insight.acts.find_last_seen(channel.no, person_no) < call_no:
        see(sandbox, channel, person_no, received)


def _click(sandbox: Sandbox, person_no: int, bubble: Bubble, url: str) -> None:
    number = sandbox.insight.acts.number_of_url(url)
    note(sandbox, "url", url)
    _count(sandbox, bubble.call, Acted(bubble.call_no, person_no, bubble.seq, Act.CLICKED, number, 0))


def _count(sandbox: Sandbox, call: AcceptedCall, acted: Acted) -> None:
    now = sandbox.clock.now()
    measured = app_type_of(sandbox.world, acted.person_no) != "others"
    if measured and now - call.clock_at < FROZEN_SECONDS:
        acted = acted._replace(day=day_of(now))
        note(sandbox, "act", sandbox.insight.acts.add(acted), list(acted))


def note(sandbox: Sandbox, *change: Any) -> None:
    """Tell whoever saves that insight has changed, in the words of its `replay`."""
    sandbox.world.changes.note("note", "insight", *change)


def forget(sandbox: Sandbox) -> None:
    """Nothing happened, and no day has ended."""
    sandbox.insight.reset()
    note(sandbox, "reset")


def close_days(sandbox: Sandbox) -> None:
    """Keep how the days ended that are over: before a question, when the clock is moved, and every second."""
    for change in sandbox.insight.close_days(sandbox.world, day_of(sandbox.clock.now())):
        note(sandbox, *change)


async def close_days_forever(sandbox: Sandbox) -> None:
    """See every midnight."""
    sandbox.clock.watchers.append(lambda: close_days(sandbox))
    while True:
        close_days(sandbox)
        await asyncio.sleep(1.0)


def _list_received(sandbox: Sandbox, channel: Channel, person_no: int) -> list[int]:
    """The calls of this channel that reached her, oldest first, each once."""
    received = dict.fromkeys(sandbox.ledger.list_received(person_no))
    return [call_no for call_no in received if sandbox.ledger.get_channel_no(call_no) == channel.no]


def _list_urls(message: Any) -> Iterator[str]:
    """Every address that a tap on the message can open: of uri actions, of an imagemap's areas, of words in a text."""
    if isinstance(message, dict):
        link = message.get("linkUri") or message.get("uri")
        if message.get("type") == "uri" and isinstance(link, str):
            yield link
        if message.get("type") in ("text", "textV2") and isinstance(message.get("text"), str):
            yield from (word for word in message["text"].split() if word.startswith(("https://", "http://")))
        for value in message.values():
            yield from _list_urls(value)
    elif isinstance(message, list):
        for value in message:
            yield from _list_urls(value)
