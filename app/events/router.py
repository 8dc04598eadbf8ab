"""The feed over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.auth import ScopedSession, allow
from app.events.facts import TYPES
from app.events.feed import read_feed
from app.events.schemas import Feed
from app.paging import PagingParams
from app.routes import MAX_INTEGER, ApiRoute
from app.schemas import Plain
from tenants.problems import Invalid

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=ApiRoute)
routers = [router]

After = Annotated[int, Query(ge=0, le=MAX_INTEGER, description="A `feed_no`: what comes after it is answered."), Plain]
Types = Annotated[
    list[str] | None, Query(max_length=50, description="Only these types: repeated, or one text with commas between.")
]


@router.get("", dependencies=[allow("events:read")])
def list_events(session: ScopedSession, paging: PagingParams, after: After = 0, types: Types = None) -> Feed:
    """What happened, oldest first: gapless numbers per brand, in order per customer, at least once.

    Poll with the `next_after` of the answer before. A store key sees the events of its stores, so it sees gaps.
    """
    start = after if paging.after is None else paging.after.int
    page = read_feed(session, after=start, types=_read_types(types or []), limit=paging.limit)
    cursor = paging.cursor(UUID(int=page.next_after)) if page.more else None
    return Feed(items=page.items, next_after=page.next_after, next_cursor=cursor)


def _read_types(given: list[str]) -> list[str]:
    """The types asked for, each once. Raises Invalid for one that does not exist, as an empty text does not."""
    names = {name.strip() for text in given for name in text.split(",")}
    if not names <= set(TYPES):
        raise Invalid.at("/query/types", f"Must be types of events: {', '.join(TYPES)}.")
    return sorted(names)
