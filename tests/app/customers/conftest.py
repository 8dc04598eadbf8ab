"""What tests of customers share."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

_AREAS = {"1311300": "渋谷区", "1310400": "新宿区"}


@pytest.fixture
def tokyo(engine: Engine) -> Iterator[None]:
    """Two wards among JMA's areas, by which addresses are found; those that were missing are gone afterwards.

    Nothing stands above them: whoever looks for a store's forecast would call such a table malformed.
    """
    with engine.begin() as connection:
        put = text(
            "INSERT INTO weather_area (level, code, name, parent, stations, synced_at)"
            " VALUES ('class20', :code, :name, NULL, '{}', '2026-11-01T00:00Z') ON CONFLICT DO NOTHING RETURNING code"
        )
        made = [connection.execute(put, {"code": code, "name": name}).scalar() for code, name in _AREAS.items()]
    yield
    with engine.begin() as connection:
        gone = text("DELETE FROM weather_area WHERE level = 'class20' AND code = ANY(:codes)")
        connection.execute(gone, {"codes": [code for code in made if code]})
