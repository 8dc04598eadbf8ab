"""What the doctor looks at in the weather's feeds: those that stand still, and stores that none of them speaks for."""

from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from app.doctor.findings import Finding, span
from app.weather import fetching, places, queries
from app.weather.feeds import heat, hours, observations, state, warnings
from app.weather.feeds.models import Feed
from app.weather.feeds.state import Name
from tenants.scope import Scope
from tenants.session import open_session

MOST_STORES = 5
"""Stores that are named; of more the number is enough."""

_TABLES_AGE = timedelta(days=15)
_AHEAD = timedelta(minutes=30)


def check_feeds(engine: Engine, now: datetime) -> Finding:
    """Which feeds that somebody needs stand still or fail, and which stores have no area."""
    needs = fetching.list_needs(engine).parts
    ages: dict[Name, tuple[str, timedelta]] = {}
    if fetching.is_anybody_open(engine, now):
        ages = {
            Name.TABLES: ("tables", _TABLES_AGE),
            Name.WARNINGS: ("warnings", warnings.OLDEST),
            Name.FLOODS: ("floods", warnings.OLDEST),
        }
    if needs & {"observed", "past"}:
        ages[Name.OBSERVATIONS] = ("observations", observations.OLDEST)
    if "hourly" in needs:
        ages[Name.HOURS] = ("hours", hours.OLDEST)
    if "heat" in needs and heat.is_in_season(now):
        ages[Name.HEAT] = ("heat index", heat.OLDEST)
    with Session(engine) as session:
        feeds = {name: state.find_feed(session, name) for name in ages}
    wrong = [why for name, (what, oldest) in ages.items() if (why := _why(feeds[name], what, now, oldest))]
    if wrong:
        more = f" And {len(wrong) - 1} more feeds." if len(wrong) > 1 else ""
        advice = "Run: noren weather sync. Meanwhile what needs the feed is unknown, and nobody is invited unwarned."
        return Finding("feeds", False, f"{wrong[0]}{more}", advice)
    lost = _list_lost(engine)
    if lost:
        named = ", ".join(lost[:MOST_STORES]) + (
            f" and {len(lost) - MOST_STORES} more" if len(lost) > MOST_STORES else ""
        )
        advice = "Set the store's weather_area, or its municipality: PATCH /v1/stores/{id}."
        return Finding("feeds", False, f"{len(lost)} stores have no area: {named}.", advice)
    if not ages:
        return Finding("feeds", True, "No store is open, and no live rule needs one.")
    oldest_at = min((feed.own_clock_at for feed in feeds.values() if feed and feed.own_clock_at), default=now)
    return Finding("feeds", True, f"{len(ages)} in use, the oldest as of {span(now - oldest_at)} ago.")


def _why(feed: Feed | None, what: str, now: datetime, oldest: timedelta) -> str | None:
    why = state.why_unknown(feed, what, now, oldest, _AHEAD)
    if why is None or feed is None or feed.problem is None or feed.problem in why:
        return why
    return f"{why} Last problem: {feed.problem}."


def _list_lost(engine: Engine) -> list[str]:
    """Stores of brands with a live rule for whom JMA has no area, by brand and name."""
    lost: list[str] = []
    with Session(engine) as session:
        brand_ids = queries.list_brands_with_live_rules(session)
    for brand_id in brand_ids:
        with open_session(engine, Scope(brand_id)) as session:
            stores = queries.list_stores(session)
            spots = places.find_spots(session, stores)
            lost += [store.name for store in stores if not isinstance(spots[store.id], places.Spot)]
    return lost
