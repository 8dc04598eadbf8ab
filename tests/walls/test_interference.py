"""What a list says does not depend on what others have: not its rows, not its order, not a count in it."""

import re

import pytest

from app.events.projector import project
from app.reports.projection import move_daily_metrics
from tenants.tables import utc_now
from tests.commit import IS_WHOLE, is_turn
from tests.document import document
from tests.walls.arrangements import BEFORE
from tests.walls.document import Document
from tests.walls.matrix import Matrix
from tests.walls.things import THINGS

READING = [name for name in Document(document()).list_names() if name.startswith("GET /v1/")]
NAMES = [name for name in READING if IS_WHOLE or is_turn(name, parts=4)]
_MOMENT = re.compile(
    rb'"(fresh_at|last_used_at|last_used_from|checked_at|next_after)":("[^"]*"|\d+|null)|"age_seconds":\d+'
)
"""When it was asked; and how far the brand's feed has come, which numbers the events of all stores."""

MOVES_BY_ITSELF = {
    "GET /v1/audit-log": "it holds the calls by which it is read",
    "GET /v1/segments/{segment_id}/sample": "it is drawn by chance; whom it is drawn from, size and customers answer",
}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BEFORE and name not in MOVES_BY_ITSELF])
def test_what_others_have_changes_no_answer(name: str, matrix: Matrix) -> None:
    operation, world = matrix.document.read(name), matrix.world
    seats = matrix.credentials.scopes(operation.permission).strong
    before = {}
    for seat in seats:
        own = matrix.own(operation, seat)
        before[seat.name] = (own, _look(matrix.calls.send(matrix.write(operation, own), **seat.headers).content))
    for place in (world.their_office, world.x):
        for kind in ("cus", "ord", "red", "tag", "cmp", "rule"):
            if place.owns(kind):
                place.make(kind)
    for seat in seats:
        own, said = before[seat.name]
        if seat.is_stores:
            for kind in ("cus", "ord", "red", "acc"):
                assert kind in THINGS
                world.b.make(kind)
            project(matrix.engine, world.b.brand.id, utc_now(), (move_daily_metrics,))
        now = matrix.calls.send(matrix.write(operation, own), **seat.headers)
        assert now.is_done
        assert _look(now.content) == said, seat.name


def _look(content: bytes) -> bytes:
    return _MOMENT.sub(b"", content)
