"""Making and closing coupons; getting, winning and using them."""

import random
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.coupons.rules import FIELDS
from app.sandbox.coupons.state import Coupon, Ticket
from app.sandbox.ids import new_ulid
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

MOST_VALID = 5_000
DRAFT, RUNNING, CLOSED = STATUSES = ("DRAFT", "RUNNING", "CLOSED")


class Refused(Exception):
    """She cannot have or use the coupon; the text says why."""


def create(
    sandbox: Sandbox, channel: Channel, content: dict[str, Any], *, max_tickets: int = 1, draft: bool = False
) -> Coupon:
    """A new coupon of checked content."""
    now = sandbox.clock.now()
    coupon = Coupon(
        id=new_ulid(int(now * 1000)),
        channel_no=channel.no,
        no=len(sandbox.coupons.list_of(channel.no)) + 1,
        content={name: content[name] for name in FIELDS if content.get(name) is not None},
        created_at=now,
        max_tickets=max_tickets,
        draft=draft,
    )
    sandbox.coupons.put(coupon, sandbox.world.changes)
    return coupon


def status_of(coupon: Coupon, now: float) -> str:
    """DRAFT, RUNNING or CLOSED. One whose end has come counts as closed."""
    if coupon.draft:
        return DRAFT
    return CLOSED if coupon.closed or coupon.content["endTimestamp"] <= now else RUNNING


def count_valid(sandbox: Sandbox, channel: Channel) -> int:
    """How many of the account's coupons run."""
    now = sandbox.clock.now()
    return sum(status_of(coupon, now) == RUNNING for coupon in sandbox.coupons.list_of(channel.no))


def find_coupon(sandbox: Sandbox, channel: Channel, coupon_id: str) -> Coupon | None:
    """A coupon of this account, whether it runs or not."""
    coupon = sandbox.coupons.by_id.get(coupon_id)
    return coupon if coupon is not None and coupon.channel_no == channel.no else None


def close(sandbox: Sandbox, coupon: Coupon) -> None:
    """End a coupon, for those too who have acquired it."""
    sandbox.coupons.put(replace(coupon, closed=True), sandbox.world.changes)


def check_sent(sandbox: Sandbox, channel: Channel, messages: Sequence[dict[str, Any]]) -> list[Detail]:
    """What is wrong with coupons in messages that are right otherwise: each names one of this account that runs.

    LINE publishes no words for it; they are those of its coupon endpoints.
    """
    details: list[Detail] = []
    for position, message in enumerate(messages):
        if message["type"] == "coupon":
            coupon = find_coupon(sandbox, channel, message["couponId"])
            path = f"messages[{position}].couponId"
            if coupon is None or coupon.draft:
                details.append({"message": "coupon not found", "property": path})
            elif status_of(coupon, sandbox.clock.now()) == CLOSED:
                details.append({"message": "The coupon has already been closed.", "property": path})
    return details


def acquire(sandbox: Sandbox, coupon: Coupon, person_no: int, *, lucky: bool | None = None) -> Ticket | None:
    """She takes the coupon, or draws in its lottery: her ticket, or None for a blank. Raises Refused.

    `lucky` decides the draw, which is else left to chance.
    """
    now, condition = sandbox.clock.now(), coupon.content["acquisitionCondition"]
    if status_of(coupon, now) != RUNNING:
        raise Refused("the coupon is closed")
    mine = [each for each in sandbox.coupons.list_tickets(person_no) if each.coupon_id == coupon.id]
    if len(mine) >= coupon.max_tickets:
        raise Refused("she has it already")
    if condition["type"] == "lottery":
        acquired, _ = sandbox.coupons.count(coupon.id)
        most = condition["maxAcquireCount"]
        sandbox.coupons.put(replace(coupon, tries=coupon.tries + 1), sandbox.world.changes)
        won = lucky if lucky is not None else random.random() * 100 < condition["lotteryProbability"]  # noqa: S311
        if not won or acquired >= most >= 0:
            return None
    ticket = Ticket("ticket_" + secrets.token_hex(8), coupon.id, person_no, now)
    sandbox.coupons.put_ticket(ticket, sandbox.world.changes)
    return ticket


def use(sandbox: Sandbox, ticket: Ticket) -> Ticket:
    """She shows her ticket in the shop, and it counts as used. Raises Refused."""
    now, coupon = sandbox.clock.now(), sandbox.coupons.by_id[ticket.coupon_id]
    if status_of(coupon, now) != RUNNING:
        raise Refused("the coupon is closed")
    if now < coupon.content["startTimestamp"]:
        raise Refused("the coupon has not started")
    if 0 <= coupon.content["maxUseCountPerTicket"] <= len(ticket.used_at):
        raise Refused("the ticket is used up")
    used = replace(ticket, used_at=[*ticket.used_at, now])
    sandbox.coupons.put_ticket(used, sandbox.world.changes)
    return used


def list_tickets(sandbox: Sandbox, person_no: int, channels: Iterable[Channel]) -> list[tuple[Ticket, Coupon]]:
    """What she has acquired from these accounts."""
    nos = {channel.no for channel in channels}
    pairs = ((ticket, sandbox.coupons.by_id[ticket.coupon_id]) for ticket in sandbox.coupons.list_tickets(person_no))
    return [(ticket, coupon) for ticket, coupon in pairs if coupon.channel_no in nos]
