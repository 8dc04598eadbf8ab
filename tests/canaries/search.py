"""Looks everywhere for what the access export of a person said of her.

`set -a; . .noren/env; .venv/bin/python -m tests.canaries.search her.json` before an erasure tells where she stands,
column by column and log by log, and afterwards that she does not.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from rich import print as show

from app.keys import load_keyring
from app.settings import Settings
from tests.canaries.everything import find_in, read_columns
from tests.canaries.scan import Canary, find

FIELDS = ("name", "kana", "phone", "email", "address", "member_number", "external_id")


def list_canaries(person: dict[str, Any]) -> Iterator[Canary]:
    """What must not be found: her own fields, LINE ids and names, ids elsewhere, and notes."""
    for row in (person["customer"], *person["merged_customers"]):
        for name in FIELDS:
            if row[name]:
                yield Canary(name, row[name], "personal")
        if str(row["phone"]).startswith("+81"):
            yield Canary("phone as dialled", "0" + row["phone"][3:], "personal")
    for row in person["identities"]:
        yield Canary("LINE user id", row["line_user_id"], "personal")
        if row["display_name"]:
            yield Canary("LINE name", row["display_name"], "personal")
    yield from (Canary("id elsewhere", row["value"], "personal") for row in person["external_ids"])
    yield from (Canary("note", row["text"], "personal") for row in person["notes"])


def main(document: Path) -> int:
    """Show the places; 1 where there are any."""
    canaries = list(list_canaries(json.loads(document.read_text())))
    settings = Settings()
    database = psycopg.conninfo.conninfo_to_dict(os.environ["NOREN_DATABASE_URL"])["dbname"]
    admin = psycopg.conninfo.make_conninfo(os.environ["NOREN_ADMIN_DATABASE_URL"], dbname=database)
    places = find_in(canaries, read_columns(admin, load_keyring(settings)))
    for log in sorted(Path(os.environ["NOREN_DATA_DIR"]).rglob("*.log")):
        if names := find(canaries, log.read_bytes()):
            places[str(log)] = names
    show({"looked for": len(canaries), "found in": {place: sorted(names) for place, names in sorted(places.items())}})
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
