"""The table of docs/permissions.md: who may do what. `python -m app.permission_table` writes it anew."""

from collections.abc import Collection
from pathlib import Path

from tenants.permissions import (
    GRANTABLE_TO_PARTNERS,
    GRANTABLE_TO_STORES,
    GRANTABLE_TO_SUPPORT,
    PERMISSIONS,
    ROLES,
    STORE_PERMISSIONS,
)

PAGE = Path("docs/permissions.md")
BEGIN, END = "<!-- written by app/permission_table.py -->", "<!-- end -->"

COLUMNS: dict[str, Collection[str]] = {
    **{f"`{role}`": permissions for role, permissions in ROLES.items()},
    "Store keys have it": STORE_PERMISSIONS,
    "Store keys may": GRANTABLE_TO_STORES,
    "Partner keys may": GRANTABLE_TO_PARTNERS,
    "Support may": GRANTABLE_TO_SUPPORT,
}
"""The columns beside the permission and its meaning."""


def write_table() -> str:
    """The table as Markdown."""
    rows = [["Permission", "Allows", *COLUMNS]]
    for name, meaning in PERMISSIONS.items():
        rows.append([f"`{name}`", meaning, *("✓" if name in held else "" for held in COLUMNS.values())])
    heading, *lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([heading, "|" + "---|" * len(rows[0]), *lines])


def put_table(page: str) -> str:
    """The page with the table that the code means."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{write_table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(put_table(PAGE.read_text()))
