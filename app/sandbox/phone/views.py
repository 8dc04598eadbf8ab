"""What a phone shows: her chats, and one of them with its messages and its menu."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from app.sandbox import world
from app.sandbox.clock import format_instant
from app.sandbox.coupons import service as coupons
from app.sandbox.coupons.state import Coupon, Ticket
from app.sandbox.phone.state import Said
from app.sandbox.richmenus import service as menus
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

JsonObject = dict[str, Any]

_MOST_UNREAD_CALLS = 100
_SUMMARY_CHARACTERS = 80


def show_person(sandbox: Sandbox, no: int) -> JsonObject:
    """Who she is."""
    return {"id": sandbox.world.person_ids[no], "name": sandbox.world.person_names[no]}


def show_account(sandbox: Sandbox, channel: Channel, no: int) -> JsonObject:
    """An account as she knows it; `tie` is friend, blocked or stranger."""
    user_id = world.user_id_in(sandbox.world, channel, no)
    tie = "friend" if user_id in channel.friends else "blocked" if user_id in channel.blocked else "stranger"
    return {"channel": channel.channel_id, "name": channel.display_name, "basic_id": channel.basic_id, "tie": tie}


def list_chats(sandbox: Sandbox, no: int) -> list[JsonObject]:
    """Every account that she follows, blocks or has messages with, the newest message first."""
    received = sandbox.phones.list_received(sandbox.ledger, no)
    chats = []
    for channel in sandbox.world.channels_by_no:
        calls, said = received.get(channel.no, []), sandbox.phones.list_said(channel.no, no)
        account = show_account(sandbox, channel, no)
        if account["tie"] == "stranger" and not calls and not said:
            continue
        last = _last(sandbox, calls, said)
        chats.append({**account, "unread": _count_unread(sandbox, channel, no, calls), "last": last})
    chats.sort(key=lambda chat: chat["last"]["id"] if chat["last"] else 0, reverse=True)
    return chats


def show_chat(sandbox: Sandbox, channel: Channel, no: int, most: int) -> JsonObject:
    """One chat: its newest messages, oldest of them first, the menu below, and what the account shows of itself."""
    user_id, now = world.user_id_in(sandbox.world, channel, no), sandbox.clock.now()
    calls = sandbox.phones.list_received(sandbox.ledger, no).get(channel.no, [])
    read = sandbox.chats.get_read_up_to(channel, user_id) or 0
    items: list[JsonObject] = []
    for call_no in reversed(calls[-most:]):
        items += reversed([*_show_call(sandbox, call_no, no)])
        if len(items) >= most:
            break
    said = sandbox.phones.list_said(channel.no, no)
    items += [_show_said(each, read) for each in said[-most:]]
    items.sort(key=lambda item: int(item["id"]))
    loading_until = sandbox.chats.get_loading_until(channel, user_id, now)
    return {
        **show_account(sandbox, channel, no),
        "messages": items[-most:],
        "has_more": len(items) > most or len(calls) > most or len(said) > most,
        "menu": _show_menu(sandbox, channel, no),
        "loading_until": None if loading_until is None else format_instant(loading_until),
        "now": format_instant(now) if loading_until is not None else None,
    }


def _last(sandbox: Sandbox, calls: list[int], said: list[Said]) -> JsonObject | None:
    """The newest bubble of either side, in short."""
    found: JsonObject | None = None
    if calls:
        call = sandbox.ledger.get(calls[-1])
        messages = _read(call.messages)
        found = _summary(call.first_message_no + len(messages) - 1, call.clock_at, messages[-1], hers=False)
    if said and (found is None or said[-1].no > found["id"]):
        found = _summary(said[-1].no, said[-1].at, said[-1].message, hers=True, unsent=said[-1].unsent)
    return found


def _summary(no: int, at: float, message: JsonObject, *, hers: bool, unsent: bool = False) -> JsonObject:
    text = message.get("text") or message.get("altText") or ""
    return {
        "id": no,
        "at": format_instant(at),
        "type": "unsent" if unsent else message.get("type"),
        "text": str(text)[:_SUMMARY_CHARACTERS],
        "hers": hers,
    }


def _count_unread(sandbox: Sandbox, channel: Channel, no: int, calls: list[int]) -> int:
    """Bubbles since she last looked; those of the last hundred calls."""
    seen = sandbox.insight.acts.find_last_seen(channel.no, no)
    fresh = (call_no for call_no in calls[-_MOST_UNREAD_CALLS:] if call_no > seen)
    return sum(len(_read(sandbox.ledger.get(call_no).messages)) for call_no in fresh)


@lru_cache(maxsize=2_000)
def _read(messages: bytes) -> list[JsonObject]:
    """The messages of a call; nobody may change them. A phone asks for the same ones every second."""
    found: list[JsonObject] = orjson.loads(messages)
    return found


def _show_call(sandbox: Sandbox, call_no: int, no: int) -> Iterator[JsonObject]:
    call = sandbox.ledger.get(call_no)
    for message_no, message in enumerate(_read(call.messages), call.first_message_no):
        item = {"id": str(message_no), "hers": False, "at": format_instant(call.clock_at), "message": message}
        if message["type"] == "coupon":
            item["coupon"] = _show_coupon(sandbox, message["couponId"], no)
        yield item


def _show_said(said: Said, read: int) -> JsonObject:
    return {
        "id": str(said.no),
        "hers": True,
        "at": format_instant(said.at),
        "message": said.message,
        "unsent": said.unsent,
        "read": said.no <= read,
    }


def _show_coupon(sandbox: Sandbox, coupon_id: str, no: int) -> JsonObject | None:
    """The coupon, and her ticket if she took it; None if the account made another world's coupon."""
    coupon = sandbox.coupons.by_id.get(coupon_id)
    if coupon is None:
        return None
    mine = [each for each in sandbox.coupons.list_tickets(no) if each.coupon_id == coupon_id]
    return {
        "id": coupon.id,
        **{name: coupon.content.get(name) for name in ("title", "description", "usageCondition", "imageUrl", "reward")},
        "lottery": coupon.content["acquisitionCondition"]["type"] == "lottery",
        "status": coupons.status_of(coupon, sandbox.clock.now()),
        "starts_at": format_instant(coupon.content["startTimestamp"]),
        "ends_at": format_instant(coupon.content["endTimestamp"]),
        "ticket": _show_ticket(mine[-1], coupon) if mine else None,
    }


def _show_ticket(ticket: Ticket, coupon: Coupon) -> JsonObject:
    most = coupon.content["maxUseCountPerTicket"]
    return {
        "id": ticket.id,
        "code": coupon.content.get("couponCode"),
        "barcode_url": coupon.content.get("barcodeImageUrl"),
        "used_at": [format_instant(each) for each in ticket.used_at],
        "used_up": 0 <= most <= len(ticket.used_at),
    }


def _show_menu(sandbox: Sandbox, channel: Channel, no: int) -> JsonObject | None:
    shown = menus.find_menu_for(sandbox, channel, no)
    if shown is None:
        return None
    menu = shown.menu
    return {"id": menu.id, **menu.content, "has_image": menu.image is not None}
