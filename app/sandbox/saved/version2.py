"""Worlds as they were saved before there were lines: one JSON object."""

from typing import Any

from app.sandbox import world
from app.sandbox.saved.changes import Reading

VERSION = 2


def apply(reading: Reading, saved: dict[str, Any]) -> None:
    """Read such a world. Raises KeyError, TypeError, IndexError or ValueError for nonsense."""
    for provider in saved["providers"]:
        reading.apply(["provider", provider["id"], provider["name"]])
    user_ids = {provider["id"]: provider["user_ids"] for provider in saved["providers"]}
    reading.apply(["people", 0, saved["person_ids"], saved["person_names"], user_ids])
    for row in saved["channels"]:
        ties = {world.FOLLOWS: row.pop("friends"), world.BLOCKS: row.pop("blocked")}
        used, wrote_at = row.pop("used"), row.pop("wrote_at")
        reading.apply(["channel", row])
        reading.apply(["used", row["no"], used, saved["calls"]])
        for tie, numbers in ties.items():
            reading.apply(["ties", row["no"], tie, numbers])
        reading.apply(["writers", row["no"], wrote_at])
    reading.apply(["message_no", saved["next_message_no"]])
    for name in reading.sandbox.list_saved():
        if name in saved:
            reading.apply(["part", name, saved[name]])
