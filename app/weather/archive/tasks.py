"""The archive grows by what is fetched: nobody else keeps it."""

from sqlmodel import Session

from app.jobs.queue import Clockwork, periodic
from app.weather.archive import growing


@periodic("9 * * * *")
def grow_archive(clock: Clockwork) -> None:
    """Take into the archive what was fetched since, some bodies in each transaction. A second run finds none."""
    for take_in in (growing.take_in_forecasts, growing.take_in_observations):
        taken = 1
        while taken:
            with Session(clock.engine) as session, session.begin():
                taken = take_in(session)
