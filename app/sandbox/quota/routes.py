"""LINE's two questions about quota, and what others do to it: the manager's screen, reservations, a change of plan."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer
from app.sandbox.clock import month_of
from app.sandbox.controls import Mistaken, answer, control, get_channel, number_of, read_object, text_of
from app.sandbox.insight.days import day_of
from app.sandbox.insight.engine import note
from app.sandbox.insight.state import FREE_OF_MANAGER, PAID_OF_MANAGER
from app.sandbox.quota.state import PLANS
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_RESERVED_SECONDS = 60.0


def routes(sandbox: Sandbox) -> list[Route]:
    """What a channel may ask."""

    async def quota(request: Request, channel: Channel) -> Answer:
        limit = sandbox.quotas.find_limit(channel, sandbox.clock.now())
        return answers.ok({"type": "none"} if limit is None else {"type": "limited", "value": limit})

    async def consumption(request: Request, channel: Channel) -> Answer:
        lag_seconds = sandbox.settings.consumption_lag_seconds
        return answers.ok({"totalUsage": sandbox.quotas.count_shown(channel, sandbox.clock.now(), lag_seconds)})

    return [
        api(sandbox, "GET", "/v2/bot/message/quota", quota),
        api(sandbox, "GET", "/v2/bot/message/quota/consumption", consumption),
    ]


def control_routes(sandbox: Sandbox) -> list[Route]:
    """What happens to a channel's quota without its doing."""

    async def manager_send(request: Request) -> Response:
        """Someone sends from LINE's manager: `recipients`, or all friends; `kind` is a name of insight's."""
        channel = get_channel(sandbox, request.path_params["channel"])
        body = await read_object(request)
        kind = text_of(body, "kind", "targeting" if "recipients" in body else "broadcast")
        if kind not in (*PAID_OF_MANAGER, *FREE_OF_MANAGER):
            raise Mistaken(f"kind is one of {', '.join((*PAID_OF_MANAGER, *FREE_OF_MANAGER))}")
        count = _count_of(body, len(channel.friends))
        now = sandbox.clock.now()
        if kind in PAID_OF_MANAGER and not sandbox.quotas.take(
            channel, count, now, sandbox.settings.consumption_lag_seconds
        ):
            raise Mistaken("the quota of this month does not suffice", 409)
        day = day_of(now)
        note(sandbox, "by_hand", channel.no, day, kind, sandbox.insight.count_manager_send(channel, day, kind, count))
        sandbox.world.version += 1
        return answer({"recipients": count, "used": channel.used.get(month_of(now), 0)})

    async def reserve(request: Request) -> Response:
        """Holds `recipients` messages, or as many as there are friends, for `seconds` of the sandbox's clock."""
        channel = get_channel(sandbox, request.path_params["channel"])
        body = await read_object(request)
        count = _count_of(body, len(channel.friends))
        seconds = number_of(body, "seconds") if "seconds" in body else _RESERVED_SECONDS
        sandbox.quotas.hold(channel, count, sandbox.clock.now() + seconds)
        return answer({"recipients": count, "seconds": seconds})

    async def plan(request: Request) -> Response:
        """Another plan, with `additional` messages that the owner allows beyond the free ones."""
        channel = get_channel(sandbox, request.path_params["channel"])
        body = await read_object(request)
        name = text_of(body, "plan")
        if name not in PLANS:
            raise Mistaken(f"plan is one of {', '.join(PLANS)}")
        additional = int(number_of(body, "additional")) if "additional" in body else 0
        if additional < 0 or (additional and name != "standard"):
            raise Mistaken("only the standard plan has additional messages")
        limit = PLANS[name] + additional
        month = sandbox.quotas.change_limit(channel, limit, sandbox.clock.now())
        sandbox.world.version += 1
        return answer({"quota": limit, "from": month or month_of(sandbox.clock.now())})

    return [
        control("/channels/{channel}/manager-send", "POST", manager_send),
        control("/channels/{channel}/reserve", "POST", reserve),
        control("/channels/{channel}/plan", "POST", plan),
    ]


def _count_of(body: dict[str, object], default: int) -> int:
    count = int(number_of(body, "recipients")) if "recipients" in body else default
    if count < 0:
        raise Mistaken("recipients is a number from 0")
    return count
