"""LINE's paths about coupons. Who acquires and who uses one, they do not tell."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.coupons import service
from app.sandbox.coupons.rules import check_coupon, one_of
from app.sandbox.coupons.state import Coupon
from app.sandbox.cursors import open_start, parse_limit, seal_start
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel


def _about_no_property(status: int, message: str) -> Answer:
    return answers.invalid([{"message": message, "property": ""}])._replace(status=status)


NOT_FOUND = _about_no_property(404, "coupon not found")
ALREADY_CLOSED = _about_no_property(410, "The coupon has already been closed.")
TOO_MANY = _about_no_property(400, "You have too many coupons created.")


def routes(sandbox: Sandbox) -> list[Route]:
    """Create, close, list, get."""

    async def create(request: Request, channel: Channel) -> Answer:
        body = answers.parse_kept_json(await request.body())
        details = check_coupon(body, sandbox.clock.now())
        if details:
            return answers.invalid(details)
        if service.count_valid(sandbox, channel) >= service.MOST_VALID:
            return TOO_MANY
        return answers.ok({"couponId": service.create(sandbox, channel, body).id})

    async def close(request: Request, channel: Channel) -> Answer:
        coupon = find(request, channel)
        if service.status_of(coupon, sandbox.clock.now()) == service.CLOSED:
            return ALREADY_CLOSED
        service.close(sandbox, coupon)
        return answers.EMPTY

    async def list_coupons(request: Request, channel: Channel) -> Answer:
        """Newest first. Statuses may be named several times: any of them is meant."""
        now, wanted = sandbox.clock.now(), request.query_params.getlist("status")
        for status in wanted:
            wrong = one_of(*service.STATUSES)(status)
            if wrong:
                return answers.invalid([{"message": wrong, "property": "status"}])
        limit = parse_limit(request.query_params.get("limit"), default=20, most=100)
        before = open_start(channel, "coupons", request.query_params.get("start"), now)
        found = [
            coupon
            for coupon in reversed(sandbox.coupons.list_of(channel.no))
            if (before < 0 or coupon.no < before) and (not wanted or service.status_of(coupon, now) in wanted)
        ]
        page: dict[str, Any] = {
            "items": [{"couponId": each.id, "title": each.content["title"]} for each in found[:limit]]
        }
        if len(found) > limit:
            page["next"] = seal_start(channel, "coupons", found[limit - 1].no, now)
        return answers.ok(page)

    async def get(request: Request, channel: Channel) -> Answer:
        return answers.ok(show(find(request, channel), sandbox.clock.now()))

    def find(request: Request, channel: Channel) -> Coupon:
        coupon = service.find_coupon(sandbox, channel, request.path_params["coupon_id"])
        if coupon is None:
            raise Refusal(NOT_FOUND)
        return coupon

    return [
        api(sandbox, "POST", "/v2/bot/coupon", create),
        api(sandbox, "GET", "/v2/bot/coupon", list_coupons),
        api(sandbox, "GET", "/v2/bot/coupon/{coupon_id}", get),
        api(sandbox, "PUT", "/v2/bot/coupon/{coupon_id}/close", close),
    ]


def show(coupon: Coupon, now: float) -> dict[str, Any]:
    """A coupon as LINE shows it to the account that made it."""
    shown: dict[str, Any] = orjson.loads(orjson.dumps(coupon.content))
    if "priceInfo" in shown["reward"]:
        shown["reward"]["priceInfo"]["currency"] = "JPY"
    return {
        "couponId": coupon.id,
        **shown,
        "maxTicketPerUser": coupon.max_tickets,
        "status": service.status_of(coupon, now),
        "createdTimestamp": int(coupon.created_at),
    }
