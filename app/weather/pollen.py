"""Pollen: a switch of the brand's, by area and dates, since no feed of it may be used freely."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete

from app.weather import queries
from app.weather.models import PollenSpell
from tenants.areas.queries import map_store_nos
from tenants.problems import Invalid
from tenants.session import ScopedSession


def put_spells(session: ScopedSession, spells: Sequence[Mapping[str, Any]]) -> Sequence[PollenSpell]:
    """Make these all that is said of pollen, and answer them as they are stored. Raises Invalid with pointers."""
    known = map_store_nos(session, {spell["area_id"] for spell in spells} - {None})
    missing = [
        {"pointer": f"/items/{index}/area_id", "detail": "There is no such area."}
        for index, spell in enumerate(spells)
        if spell["area_id"] is not None and spell["area_id"] not in known
    ]
    if missing:
        raise Invalid(missing)
    session.execute(delete(PollenSpell))
    session.add_all(PollenSpell(**spell) for spell in spells)
    session.flush()
    return queries.list_pollen(session)
