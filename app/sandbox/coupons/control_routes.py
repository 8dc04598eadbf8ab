"""`/_sandbox` about coupons: people get and use them; LINE's manager makes some that no API can, and counts.

POST /_sandbox/people/{id}/coupons {"channel", "coupon_id", "lucky"}  → 201 ticket, or {"id": null} for a blank
GET  /_sandbox/people/{id}/coupons?channel=                           → {"items": [ticket]}
POST /_sandbox/people/{id}/coupons/{ticket_id}/use                    → ticket; 409 says why not
POST /_sandbox/channels/{channel}/coupons {coupon, "draft", "maxTicketPerUser"}   → 201 coupon; may be a referral
GET  /_sandbox/channels/{channel}/coupons   → {"items": [{coupon, "acquired", "used", "tries"}]}
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.answers import is_writable
from app.sandbox.clock import format_instant
from app.sandbox.controls import Mistaken, answer, control, get_channel, get_living, get_person, read_object, text_of
from app.sandbox.coupons import service
from app.sandbox.coupons.routes import show
from app.sandbox.coupons.rules import check_coupon
from app.sandbox.coupons.service import Refused
from app.sandbox.coupons.state import Coupon, Ticket
from app.sandbox.state import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """People's coupons, and the manager's page."""
    return [*_person_routes(sandbox), *_manager_routes(sandbox)]


def _person_routes(sandbox: Sandbox) -> list[Route]:
    async def acquire(request: Request) -> Response:
        no, body = get_living(sandbox, request.path_params["person_id"]), await read_object(request)
        channel, lucky = get_channel(sandbox, text_of(body, "channel")), body.get("lucky")
        if not isinstance(lucky, bool | None):
            raise Mistaken("lucky is true or false")
        coupon = service.find_coupon(sandbox, channel, text_of(body, "coupon_id"))
        if coupon is None or coupon.draft:
            raise Mistaken("the account has no such coupon", 404)
        try:
            ticket = service.acquire(sandbox, coupon, no, lucky=lucky)
        except Refused as refused:
            raise Mistaken(str(refused), 409) from None
        return answer({"id": None, "coupon_id": coupon.id} if ticket is None else shown(ticket, coupon), 201)

    async def list_tickets(request: Request) -> Response:
        no, channel_id = get_person(sandbox, request.path_params["person_id"]), request.query_params.get("channel")
        channels = [get_channel(sandbox, channel_id)] if channel_id else sandbox.world.channels_by_no
        return answer({"items": [shown(*pair) for pair in service.list_tickets(sandbox, no, channels)]})

    async def use(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        ticket = sandbox.coupons.tickets.get(request.path_params["ticket_id"])
        if ticket is None or ticket.person_no != no:
            raise Mistaken("she has no such ticket", 404)
        try:
            used = service.use(sandbox, ticket)
        except Refused as refused:
            raise Mistaken(str(refused), 409) from None
        return answer(shown(used, sandbox.coupons.by_id[used.coupon_id]))

    def shown(ticket: Ticket, coupon: Coupon) -> dict[str, Any]:
        content = coupon.content
        return {
            "id": ticket.id,
            "coupon_id": coupon.id,
            "channel": sandbox.world.channels_by_no[coupon.channel_no].channel_id,
            "title": content["title"],
            "code": content.get("couponCode"),
            "image_url": content.get("imageUrl"),
            "status": service.status_of(coupon, sandbox.clock.now()),
            "expires_at": format_instant(content["endTimestamp"]),
            "acquired_at": format_instant(ticket.acquired_at),
            "used_at": [format_instant(each) for each in ticket.used_at],
        }

    return [
        control("/people/{person_id}/coupons", "POST", acquire),
        control("/people/{person_id}/coupons", "GET", list_tickets),
        control("/people/{person_id}/coupons/{ticket_id}/use", "POST", use),
    ]


def _manager_routes(sandbox: Sandbox) -> list[Route]:
    async def create(request: Request) -> Response:
        channel, body = get_channel(sandbox, request.path_params["channel"]), await read_object(request)
        draft = body.pop("draft", False)
        if not is_writable(body):
            raise Mistaken("the coupon nests too deep")
        details = check_coupon(body, sandbox.clock.now(), by_manager=True)
        if details:
            raise Mistaken(f"{details[0]['property']}: {details[0]['message']}")
        most = body.get("maxTicketPerUser") or 1
        coupon = service.create(sandbox, channel, body, max_tickets=most, draft=bool(draft))
        return answer(counted(coupon), 201)

    async def list_coupons(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        return answer({"items": [counted(coupon) for coupon in sandbox.coupons.list_of(channel.no)]})

    def counted(coupon: Coupon) -> dict[str, Any]:
        acquired, used = sandbox.coupons.count(coupon.id)
        return {**show(coupon, sandbox.clock.now()), "acquired": acquired, "used": used, "tries": coupon.tries}

    return [
        control("/channels/{channel}/coupons", "POST", create),
        control("/channels/{channel}/coupons", "GET", list_coupons),
    ]
