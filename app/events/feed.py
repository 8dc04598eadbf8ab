"""The public feed: events as they are shown outside, in the order of their numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.events import queries
from app.events.facts import public_data
from app.events.models import Event
from app.events.schemas import EventRead
from tenants.ids import encode_id
from tenants.session import ScopedSession


@dataclass(frozen=True)
class FeedPage:
    """Events of a page, the number after which to go on, and whether more are there already."""

    items: list[EventRead]
    next_after: int
    more: bool


def read_feed(session: ScopedSession, *, after: int, types: Sequence[str], limit: int) -> FeedPage:
    """The first `limit` events after a number, of these types or of all, as far as the scope sees them."""
    # The end is read first: what is projected between the two statements is then left for the next page.
    until = queries.get_last_feed_no(session)
    found = queries.list_feed(session, after=after, until=until, types=types, most=limit + 1)
    shown, more = found[:limit], len(found) > limit
    items = show_events(session, shown)
    return FeedPage(items, items[-1].feed_no if more else max(after, until), more)


def show_events(session: ScopedSession, events: Sequence[Event]) -> list[EventRead]:
    """Events as the scope may see them."""
    names = _Names.of(session, events)
    return [_read(event, names) for event in events]


@dataclass(frozen=True)
class _Names:
    """The ids behind the small numbers of stores and accounts, as far as the scope sees them."""

    stores: dict[int, UUID]
    accounts: dict[int, UUID]

    @classmethod
    def of(cls, session: ScopedSession, events: Sequence[Event]) -> "_Names":
        places = [{"store_no": event.store_no, "account_no": event.account_no, "data": event.data} for event in events]
        return cls(
            queries.map_store_ids(session, set(_find_numbers("store_no", places))),
            queries.map_line_account_ids(session, set(_find_numbers("account_no", places))),
        )


def _find_numbers(name: str, value: Any) -> Iterable[int]:
    """Every number under this name, however deep in dicts and lists."""
    if isinstance(value, dict):
        if isinstance(value.get(name), int):
            yield value[name]
        for inner in value.values():
            yield from _find_numbers(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_numbers(name, inner)


def _read(event: Event, names: _Names) -> EventRead:
    return EventRead(
        id=event.id,
        feed_no=event.feed_no or 0,
        type=event.type,
        occurred_at=event.occurred_at,
        recorded_at=event.created_at,
        customer_id=event.customer_id,
        store_id=names.stores.get(event.store_no or 0),
        line_account_id=names.accounts.get(event.account_no or 0),
        data=_show(event.data, names),
    )


def _show(value: Any, names: _Names) -> Any:
    """An event's data with ids for our numbers, without the parts of a list that are of stores outside the scope."""
    if isinstance(value, list):
        return [_show(inner, names) for inner in value if not _is_hidden(inner, names)]
    if not isinstance(value, dict):
        return value
    shown = {name: _show(inner, names) for name, inner in public_data(value).items()}
    for number, name, prefix, ids in (
        ("store_no", "store_id", "store", names.stores),
        ("account_no", "line_account_id", "acc", names.accounts),
    ):
        if number in shown:
            found = ids.get(shown.pop(number) or 0)
            shown[name] = encode_id(prefix, found) if found else None
    return shown


def _is_hidden(value: Any, names: _Names) -> bool:
    number = value.get("store_no") if isinstance(value, dict) else None
    return bool(number) and number not in names.stores
