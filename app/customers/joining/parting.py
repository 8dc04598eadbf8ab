"""Two rows of one again: what is as the merge left it goes back byte for byte, what was changed since stays."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.customers.joining import figures
from app.customers.joining.figures import STORES, TAGS
from app.customers.joining.profile import CLOCKS, COUNTED, FOUND, LISTS, restore
from app.customers.models import Customer
from app.customers.queries import STRONG_KEYS, list_by_key
from app.customers.summary import settle_usual_stores
from tenants.session import ScopedSession

Kept = Mapping[str, Any]
"""What the merge kept: `from` and `into` as they were, and the survivor `after` it; and as she is `now`.

Each is a customer's row as JSON; with the name of a table behind it, her rows there by the id of the store or tag.
"""


def part_rows(session: ScopedSession, back: Customer, stays: Customer, kept: Kept, now: datetime) -> None:
    """Write both people's rows; the rows that changed hands have found their way home already."""
    was, merged, current = kept["into"], kept["after"], kept["now"]
    figures.write_row(session, stays.id, restore(was, merged, current))  # first, so that her keys are free
    figures.write_row(session, back.id, _home_of(session, back.id, kept["from"]))
    _part_tags(session, back.id, stays.id, kept)
    changed = _part_stores(session, back.id, stays.id, kept, now)
    for customer_id, before in ((back.id, kept["from"]), (stays.id, was)):
        lists = _lists_of(session, customer_id, before, current)
        figures.write_row(session, customer_id, lists)
    is_same = not changed and all(current[name] == merged[name] for name in COUNTED)
    names = (*COUNTED, *FOUND) if is_same else ()
    untold = {*COUNTED, *FOUND, *LISTS}
    # A column that is newer than the merge is in none of what it kept.
    if all(current[name] == merged.get(name) for name in current if name not in untold):
        figures.write_row(session, stays.id, {name: was[name] for name in (*names, *CLOCKS)})
    else:
        at = now.isoformat()
        figures.write_row(session, stays.id, {**{name: was[name] for name in names}, **dict.fromkeys(CLOCKS, at)})
    if not is_same:
        for one in (back, stays):
            figures.recount(session, one.id)
    session.refresh(back)
    session.refresh(stays)
    if not is_same:
        settle_usual_stores(session, [back, stays])
    session.flush()


def _home_of(session: ScopedSession, back_id: UUID, before: Kept) -> dict[str, Any]:
    """The row of the one who was merged as it goes back, without the keys that somebody else has since."""
    home = {name: value for name, value in before.items() if name not in ("brand_id", "id")}
    for key in STRONG_KEYS:
        if home[key] is not None and set(list_by_key(session, key, home[key])) - {back_id}:
            home[key] = None
    return home


def _part_tags(session: ScopedSession, back_id: UUID, stays_id: UUID, kept: Kept) -> None:
    was, merged, current = (kept[f"{name}_{TAGS}"] for name in ("into", "after", "now"))
    same = [key for key in current if current[key] == merged.get(key)]
    figures.delete_rows(session, TAGS, stays_id, [key for key in same if key not in was])
    figures.write_rows(session, TAGS, [was[key] for key in same if key in was])
    figures.write_rows(session, TAGS, kept[f"from_{TAGS}"].values())


def _part_stores(session: ScopedSession, back_id: UUID, stays_id: UUID, kept: Kept, now: datetime) -> list[str]:
    """Part what they did at each store; answers at which something happened since."""
    was, merged, current, theirs = (kept[f"{name}_{STORES}"] for name in ("into", "after", "now", "from"))
    same = [key for key in current if current[key] == merged.get(key)]
    changed = [key for key in current if current[key] != merged.get(key)]
    figures.write_rows(session, STORES, [was[key] for key in same if key in was])
    figures.write_rows(session, STORES, theirs.values())
    gone = [key for key in same if key not in was]
    if changed:
        reasons, their_reasons = (figures.list_reasons(session, one) for one in (stays_id, back_id))
        # A store that has only met the other since sees her, and not the survivor.
        gone += [key for key in changed if key not in was and current[key]["store_no"] in their_reasons - reasons]
        met = [key for key in changed if key not in theirs and current[key]["store_no"] in their_reasons]
        figures.write_rows(session, STORES, [{**current[key], "customer_id": str(back_id)} for key in met])
        figures.recount_stores(session, back_id, changed, now)
        figures.recount_stores(session, stays_id, changed, now)
    figures.delete_rows(session, STORES, stays_id, gone)
    return changed


def _lists_of(session: ScopedSession, customer_id: UUID, before: Kept, current: Kept) -> dict[str, Any]:
    """Her tags, stores and accounts by number, in the order in which they were before, and then as they came."""
    tags = {row["tag_no"] for row in figures.read_rows(session, TAGS, customer_id).values()}
    stores = {row["store_no"] for row in figures.read_rows(session, STORES, customer_id).values()}
    accounts = figures.list_account_nos(session, customer_id)
    return {
        "tag_nos": _in_order(before["tag_nos"], current["tag_nos"], tags),
        # A tie never ends by itself, whatever became of its row.
        "store_nos": _in_order(before["store_nos"], current["store_nos"], stores.union(before["store_nos"])),
        "account_nos": before["account_nos"] if set(before["account_nos"]) == set(accounts) else accounts,
    }


def _in_order(before: Collection[int], current: Collection[int], held: Collection[int]) -> list[int]:
    return [no for no in dict.fromkeys([*before, *current]) if no in held]
