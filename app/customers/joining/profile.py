"""What two people's rows become when they are one, and again when they are two. Pure: rows in, values out."""

from collections.abc import Mapping
from typing import Any, Final

Row = Mapping[str, Any]

TOGETHER: Final = (
    ("name", "kana"),
    ("phone",),
    ("email",),
    ("birthday_on",),
    ("gender",),
    ("postal_code", "address", "municipality_code"),
    ("home_store_id", "home_store_no"),
)
"""Columns that say something together: one is filled in only where the others of its group do not disagree."""
COUNTED: Final = ("order_count", "spend_yen", "visit_count", "last_order_at", "last_visit_at")
CLOCKS: Final = ("updated_at", "profile_updated_at")
BY_NAME: Final = ("attributes", "written_by")
LISTS: Final = ("tag_nos", "store_nos", "account_nos")
FOUND: Final = ("usual_store_no",)
FIXED: Final = ("brand_id", "id", "created_at", "erased_at", "merged_into_id")


def fill(into: Row, other: Row) -> dict[str, Any]:
    """The columns of the survivor that were empty and that the other fills, with their authors and the attributes."""
    filled: dict[str, Any] = {}
    for group in TOGETHER:
        if any(into[name] is not None and other[name] not in (None, into[name]) for name in group):
            continue
        filled |= {name: other[name] for name in group if into[name] is None and other[name] is not None}
    new = {name: value for name, value in other["attributes"].items() if name not in into["attributes"]}
    came = {*filled, *(f"attributes.{name}" for name in new)}
    authors = {name: no for name, no in other["written_by"].items() if name in came}
    if new:
        filled["attributes"] = {**into["attributes"], **new}
    if authors:
        filled["written_by"] = {**into["written_by"], **authors}
    return filled


def add_lists(into: Row, other: Row) -> dict[str, list[int]]:
    """The numbers of her tags, stores and accounts: the survivor's, and what the other adds to them."""
    added = {name: [*into[name], *(no for no in other[name] if no not in into[name])] for name in LISTS}
    return {**added, "account_nos": sorted(added["account_nos"])}


def later(one: Any, other: Any) -> Any:
    """The later of two instants, either of which may be missing."""
    return max((at for at in (one, other) if at is not None), default=None)


def restore(before: Row, after: Row, now: Row) -> dict[str, Any]:
    """The columns of the survivor as the undoing leaves them: what is as the merge left it goes back, all else stays.

    Rows as JSON: before the merge, after it, and now. What is counted or found is not among them, nor the lists.
    """
    restored: dict[str, Any] = {}
    for name, value in now.items():
        if name in {*COUNTED, *CLOCKS, *LISTS, *FOUND, *FIXED}:
            continue
        if name in BY_NAME:
            restored[name] = restore_by_name(before[name], after[name], value)
        elif value == after.get(name):
            restored[name] = before.get(name)
    return restored


def restore_by_name(before: Row, after: Row, now: Row) -> dict[str, Any]:
    """Likewise, member by member."""
    restored = {}
    for name in {**before, **now}:
        value = before.get(name) if now.get(name) == after.get(name) else now.get(name)
        if value is not None:
            restored[name] = value
    return restored
