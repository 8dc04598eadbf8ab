"""Many people who do something at once: on order, or because the account sent a broadcast."""

import asyncio

from app.sandbox import events, webhooks, world
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_AT_ONCE = 50
_ANSWERS = ("はい", "いいね!", "今日は何時までですか?", "行きます", "ありがとう")


def start(sandbox: Sandbox, channel: Channel, count: int, people: list[int], per_second: float) -> None:
    """Let these people, by their numbers and in turn, write or tap so many times; 0 a second is as fast as it goes."""
    task = asyncio.get_running_loop().create_task(_fire(sandbox, channel, count, people, per_second))
    sandbox.outbox.tasks.add(task)
    task.add_done_callback(sandbox.outbox.tasks.discard)


async def _fire(sandbox: Sandbox, channel: Channel, count: int, people: list[int], per_second: float) -> None:
    loop = asyncio.get_running_loop()
    started, clears = loop.time(), sandbox.world.clears
    for number in range(count):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        if per_second > 0:
            await asyncio.sleep(max(0.0, started + number / per_second - loop.time()))
        if sandbox.world.clears != clears:
            return
        _act(sandbox, channel, people[number % len(people)], number)


def _act(sandbox: Sandbox, channel: Channel, person_no: int, number: int) -> None:
    world.write(sandbox.world, channel, person_no, sandbox.clock.now())
    if number % 3 == 2:
        event = events.posted_back(sandbox, channel, person_no, f"burst={number}")
    else:
        event = events.text_written(sandbox, channel, person_no, _ANSWERS[number % len(_ANSWERS)])
    webhooks.enqueue(sandbox, channel, event)


def answer_broadcast(sandbox: Sandbox, call_no: int) -> None:
    """Chaos has it that a broadcast brings events back: let those whom it reached act, in an order drawn by lot."""
    call = sandbox.ledger.get(call_no)
    if sandbox.chaos.burst and call.people:
        channel = sandbox.world.channels_by_no[call.channel_no]
        first = sandbox.chaos.pick(len(call.people))
        people = [*call.people[first:], *call.people[:first]][: sandbox.chaos.burst]
        start(sandbox, channel, sandbox.chaos.burst, people, 0)
