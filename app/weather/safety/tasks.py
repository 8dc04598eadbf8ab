"""Watching the warnings by the clock."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from app.jobs.queue import Clockwork, periodic
from app.messaging.safety import service as safety
from app.weather.fetching import is_anybody_open
from app.weather.safety import watching


@periodic("* * * * *")
def watch_warnings(clock: Clockwork) -> None:
    """Stop what invites people to stores under a warning, and let it go on once that is lifted.

    While no store is open and nothing is sent nobody asks JMA either: what stands then stands until somebody does.
    """
    if is_anybody_open(clock.engine, clock.now):
        watch(clock)


def watch(clock: Clockwork) -> dict[UUID, watching.Checked]:
    """Look at the warnings over every brand's stores; what came of it, by brand.

    The warnings are read once for all brands. A stop is committed before anything is waited for.
    """
    with Session(clock.engine) as session:
        brand_ids = session.execute(text("SELECT list_brand_ids()")).scalars().all()
    places: set[watching.Place] = set()
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            places.update(place for _, place in watching.list_places(session))
    if not places:
        return {}
    with Session(clock.engine) as session:
        verdicts = watching.judge_places(session, places, clock.now)
    found: dict[UUID, watching.Checked] = {}
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            found[brand_id] = watching.check(session, verdicts, clock.now)
    for brand_id, checked in found.items():
        if checked.begun:
            with clock.session(brand_id) as session:
                safety.signal_again(session, checked.begun)
    return found
