"""Rich-menu insight: what was seen and tapped, from the day after; next to nothing while few have tapped."""

from datetime import date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.richmenus import service
from app.sandbox.richmenus.metrics import SEEN, Count, day_of, list_days
from app.sandbox.richmenus.state import RichMenu
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

LEAST_CLICKERS = 20
MOST_DAYS = {"summary": 396, "daily": 99}
"""How many days `to` may lie after `from`."""
YEARS_BACK = 3
BAD_REQUEST = answers.error(400, "Bad Request")


def routes(sandbox: Sandbox) -> list[Route]:
    """Totals, and day by day."""

    def endpoint(kind: str) -> Route:
        async def answer(request: Request, channel: Channel) -> Answer:
            menu = service.get_menu(sandbox, channel, request.path_params["rich_menu_id"])
            today = day_of(sandbox.clock.now())
            first, last = _read_range(request, kind, today)
            days = list_days(max(first, day_of(menu.created_at)), min(last, today - timedelta(days=1)))
            return answers.ok({"richMenuId": menu.id, **_metrics(sandbox, menu, days, kind)})

        return api(sandbox, "GET", f"/v2/bot/insight/richmenu/{{rich_menu_id}}/{kind}", answer)

    return [endpoint("summary"), endpoint("daily")]


def _read_range(request: Request, kind: str, today: date) -> tuple[date, date]:
    """The days asked for. Raises Refusal."""
    first, last = (_day(request.query_params.get(name)) for name in ("from", "to"))
    if last < first:
        raise _refused("Parameter to must be the same date as, or after parameter from.")
    if (last - first).days > MOST_DAYS[kind]:
        raise _refused(f"Date range exceeds. Max range is {MOST_DAYS[kind]} days.")
    earliest = _years_before(today)
    if first < earliest:
        raise _refused(f"Parameter from must be the same date as, or after {earliest.isoformat()}.")
    return first, last


def _metrics(sandbox: Sandbox, menu: RichMenu, days: list[date], kind: str) -> dict[str, Any]:
    metrics, areas = sandbox.menu_metrics, menu.content["areas"]
    clickers = set().union(*(metrics.count(menu.id, area_no, days).people for area_no in range(len(areas))))
    if len(clickers) < LEAST_CLICKERS:
        return {}

    def shown(what: int) -> Any:
        if kind == "summary":
            return _counted(metrics.count(menu.id, what, days))
        return [{"date": _format(day), **_counted(metrics.count(menu.id, what, [day]))} for day in days]

    return {
        "metricsFrom": _format(days[0]),
        "metricsTo": _format(days[-1]),
        "impression": {"metrics": shown(SEEN)},
        "clicks": [{"bounds": area["bounds"], "metrics": shown(area_no)} for area_no, area in enumerate(areas)],
    }


def _counted(count: Count) -> dict[str, int]:
    return {"count": count.times, "uniqueUsers": len(count.people)}


def _day(text: str | None) -> date:
    if text is None or len(text) != 8 or not text.isascii() or not text.isdigit():
        raise Refusal(BAD_REQUEST)
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day in Japan, without a time
    except ValueError:
        raise Refusal(BAD_REQUEST) from None


def _format(day: date) -> str:
    return day.strftime("%Y%m%d")


def _years_before(today: date) -> date:
    try:
        return today.replace(year=today.year - YEARS_BACK)
    except ValueError:  # The 29th of February.
        return today.replace(year=today.year - YEARS_BACK, day=28)


def _refused(message: str) -> Refusal:
    return Refusal(answers.error(400, message))
