"""Forecast districts in the area table."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from app.weather.models import WeatherArea
from tenants.session import ScopedSession
from tenants.tables import utc_now


@dataclass(frozen=True)
class District:
    """A forecast district with its office and its main station."""

    office: str
    class10: str
    station: str


def know(session: ScopedSession, districts: Sequence[District]) -> None:
    """Let the area table hold these districts, each with its one station, until the transaction ends."""
    rows = [
        {
            "level": "class10",
            "code": one.class10,
            "name": one.class10,
            "parent": one.office,
            "stations": [one.station],
            "synced_at": utc_now(),
        }
        for one in districts
    ]
    put = insert(WeatherArea)
    stations = {"stations": put.excluded.stations}
    session.connection().execute(put.on_conflict_do_update(index_elements=["level", "code"], set_=stations), rows)
