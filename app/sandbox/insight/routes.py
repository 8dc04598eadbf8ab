"""What LINE tells of a day or a message: counts of sends, friends, demographics, impressions and clicks."""

from datetime import date
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer
from app.sandbox.insight import demographics
from app.sandbox.insight.days import Status, day_of, parse_day, status_of
from app.sandbox.insight.engine import close_days
from app.sandbox.insight.statistics import Tally
from app.sandbox.ledger import Kind
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_COUNTED_FROM = date(2018, 3, 31)
_DELIVERIES_FROM = date(2017, 3, 1)
_FOLLOWERS_FROM = date(2016, 11, 1)
_MOST_DAYS_AFTER = 30
_NAMES_OF_KINDS = {
    Kind.BROADCAST: "apiBroadcast",
    Kind.PUSH: "apiPush",
    Kind.MULTICAST: "apiMulticast",
    Kind.REPLY: "apiReply",
    Kind.GREETING: "welcomeResponse",
    Kind.AUTO_RESPONSE: "autoResponse",
}

INVALID_DATE = answers.error(400, "The value for the 'date' parameter is invalid")
BAD_REQUEST = answers.error(400, "Bad Request")
DATE_REQUIRED = answers.error(400, "date is required")
BAD_UNIT_REQUEST = Answer(400, orjson.dumps({"message": None, "key": None, "stacktrace": None, "code": None}))
"""Not LINE's usual error, but what it documents for statistics of a unit."""


def routes(sandbox: Sandbox) -> list[Route]:
    """`message/delivery/…` and everything under `insight` but rich menus."""
    return [*_delivery_routes(sandbox), *_account_routes(sandbox), *_message_routes(sandbox)]


def _delivery_routes(sandbox: Sandbox) -> list[Route]:
    def count_sent(kind: Kind) -> Route:
        async def sent(request: Request, channel: Channel) -> Answer:
            """Messages that reached someone, sent by API: not those of the manager."""
            day = parse_day(request.query_params.get("date"))
            if day is None:
                return INVALID_DATE
            status = status_of(day, sandbox.clock.now(), _COUNTED_FROM)
            answer: dict[str, Any] = {"status": status}
            if status is Status.READY:
                answer["success"] = sandbox.ledger.count_reached(channel.no, kind, day)
            return answers.ok(answer)

        return api(sandbox, "GET", f"/v2/bot/message/delivery/{kind.name.lower()}", sent)

    async def deliveries(request: Request, channel: Channel) -> Answer:
        """Messages of every kind that there were, by API and by hand."""
        day = parse_day(request.query_params.get("date"))
        if day is None:
            return BAD_REQUEST
        status = status_of(day, sandbox.clock.now(), _DELIVERIES_FROM)
        answer: dict[str, Any] = {"status": status}
        if status is Status.READY:
            answer |= sandbox.insight.get_manager_sends(channel, day)
            for kind, name in _NAMES_OF_KINDS.items():
                if count := sandbox.ledger.count_reached(channel.no, kind, day):
                    answer[name] = count
        return answers.ok(answer)

    return [
        *(count_sent(kind) for kind in (Kind.REPLY, Kind.PUSH, Kind.MULTICAST, Kind.BROADCAST)),
        api(sandbox, "GET", "/v2/bot/insight/message/delivery", deliveries),
    ]


def _account_routes(sandbox: Sandbox) -> list[Route]:
    async def followers(request: Request, channel: Channel) -> Answer:
        """First-time friends ever, which never falls, those reached now, and those who block."""
        if "date" not in request.query_params:
            return DATE_REQUIRED
        day = parse_day(request.query_params["date"])
        if day is None:
            return BAD_REQUEST
        close_days(sandbox)
        status = status_of(day, sandbox.clock.now(), _FOLLOWERS_FROM)
        if status is not Status.READY:
            return answers.ok({"status": status, "followers": None, "targetedReaches": None, "blocks": None})
        _, friends_ever, reach, blocks = sandbox.insight.get_closing(sandbox.world, channel, day)
        return answers.ok({"status": status, "followers": friends_ever, "targetedReaches": reach, "blocks": blocks})

    async def demographic(request: Request, channel: Channel) -> Answer:
        close_days(sandbox)
        return answers.ok(demographics.describe(sandbox.world, sandbox.insight, channel, sandbox.clock.now()))

    return [
        api(sandbox, "GET", "/v2/bot/insight/followers", followers),
        api(sandbox, "GET", "/v2/bot/insight/demographic", demographic),
    ]


def _message_routes(sandbox: Sandbox) -> list[Route]:
    async def of_request(request: Request, channel: Channel) -> Answer:
        """What people did with a broadcast until last midnight. A request id that is not one of this channel's
        broadcasts is 404, for which LINE documents nothing."""
        request_id = request.query_params.get("requestId", "")
        try:
            call_no = sandbox.ledger.find_by_request_id(UUID(request_id).bytes)
        except ValueError:
            return BAD_REQUEST
        call = None if call_no is None else sandbox.ledger.get(call_no)
        if call_no is None or call is None or call.channel_no != channel.no or call.kind is not Kind.BROADCAST:
            return answers.NOT_FOUND
        now = sandbox.clock.now()
        acts = sandbox.insight.acts
        tally = Tally(acts, acts.list_of([call_no], 0, day_of(now) - 1))
        finished = now >= call.clock_at + sandbox.settings.broadcast_seconds
        overview = {
            "requestId": request_id,
            "timestamp": int(call.clock_at),
            "delivered": len(call.people) if finished else None,
            **tally.overview(),
        }
        return answers.ok({"overview": overview, "messages": tally.list_messages(), "clicks": tally.list_clicks()})

    async def of_unit(request: Request, channel: Channel) -> Answer:
        """What people did on these days with all pushes and multicasts under one name, whatever their content."""
        name = request.query_params.get("customAggregationUnit", "")
        first, last = (parse_day(request.query_params.get(end)) for end in ("from", "to"))
        if not name or first is None or last is None or not first <= last <= first + _MOST_DAYS_AFTER:
            return BAD_UNIT_REQUEST
        yesterday = day_of(sandbox.clock.now()) - 1
        acts = sandbox.insight.acts
        calls = sandbox.ledger.units.list_calls(channel.no, name)
        tally = Tally(acts, acts.list_of(calls, first, min(last, yesterday)))
        return answers.ok(
            {"overview": tally.overview(), "messages": tally.list_messages(), "clicks": tally.list_clicks()}
        )

    return [
        api(sandbox, "GET", "/v2/bot/insight/message/event", of_request),
        api(sandbox, "GET", "/v2/bot/insight/message/event/aggregation", of_unit),
    ]
