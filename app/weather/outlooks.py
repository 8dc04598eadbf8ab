"""All that is known of the stores' places at a moment, read from what was fetched."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session

from app.weather.forecasts import Current, read_current
from app.weather.outlook import Gap, Outlook, PlaceForecast
from app.weather.places import Spot


def read_outlooks(
    session: Session,
    spots: Collection[Spot],
    now: datetime,
    needs: frozenset[str] = frozenset(),
    current: Mapping[str, Current] | None = None,
) -> dict[Spot, Outlook]:
    """What is known of each spot at `now`. The forecast always; of the rest what `needs` names, else gaps.

    `needs` is among `observed`, `hourly`, `heat`, `warnings` and `past`. `current` are forecasts by office that the
    caller has just fetched; others are read as they are stored.
    """
    fetched = current or {}
    forecasts = {**read_current(session, {spot.office for spot in spots} - fetched.keys()), **fetched}
    return {spot: Outlook(_forecast(forecasts[spot.office], spot)) for spot in spots}


def _forecast(current: Current, spot: Spot) -> PlaceForecast | Gap:
    forecast = current.forecast
    return forecast if isinstance(forecast, Gap) else forecast.at(spot.class10, spot.station)
