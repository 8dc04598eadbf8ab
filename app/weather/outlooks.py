"""All that is known of the stores' places at a moment, read from what was fetched."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session

from app.weather.areas import FORECAST_FILES
from app.weather.feeds.days import read_past
from app.weather.feeds.heat import read_heat
from app.weather.feeds.hours import read_hours
from app.weather.feeds.observations import read_observed
from app.weather.feeds.warnings import read_district_warnings, read_warnings
from app.weather.forecasts import Current, read_current
from app.weather.outlook import Gap, Outlook, PlaceForecast, Warnings
from app.weather.places import Spot

NOT_READ = Gap("No condition asks for it.")
NO_CELL = Gap("The store's coordinates are not known.")


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
    listed = list(dict.fromkeys(spots))
    observed = read_observed(session, listed, now) if "observed" in needs else {}
    past = read_past(session, listed, now) if "past" in needs else {}
    heat = read_heat(session, listed, now) if "heat" in needs else {}
    hours = read_hours(session, {spot.cell for spot in listed if spot.cell}, now) if "hourly" in needs else {}
    warned = _read_warnings(session, listed, now) if "warnings" in needs else {}
    # Stores of one district and station have one forecast, in however many cells of the second source they lie.
    said = {(spot.office, spot.class10, spot.station): spot for spot in listed}
    told = {key: _forecast(forecasts[spot.office], spot) for key, spot in said.items()}
    return {
        spot: Outlook(
            told[spot.office, spot.class10, spot.station],
            observed=observed.get(spot, NOT_READ),
            hourly=hours.get(spot.cell or "", NO_CELL if "hourly" in needs else NOT_READ),
            heat=heat.get(spot, NOT_READ),
            warnings=warned.get(spot, NOT_READ),
            past=past.get(spot, {}),
        )
        for spot in listed
    }


def _read_warnings(session: Session, spots: Collection[Spot], now: datetime) -> dict[Spot, Warnings | Gap]:
    """The warnings of each spot's municipality; of its whole district where only that is known."""
    of_parts = read_warnings(session, {spot.class20 for spot in spots if spot.class20}, now)
    of_districts = read_district_warnings(session, {spot.class10 for spot in spots if not spot.class20}, now)
    return {spot: of_parts[spot.class20] if spot.class20 else of_districts[spot.class10] for spot in spots}


def _week_districts(spot: Spot) -> tuple[str, ...]:
    """The districts of the weekly part that can only mean the spot's own, whatever the season: itself, or all of the
    office undivided. Where JMA divides the week in another way, days beyond the first part stay unknown.
    """
    return (spot.class10,) if spot.class10 in FORECAST_FILES else (spot.class10, spot.office)


def _forecast(current: Current, spot: Spot) -> PlaceForecast | Gap:
    forecast = current.forecast
    return forecast if isinstance(forecast, Gap) else forecast.at(spot.class10, spot.station, _week_districts(spot))
