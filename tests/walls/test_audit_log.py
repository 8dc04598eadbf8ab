"""Every operation that changes something leaves exactly one change in the audit log, read from the API's document."""

import os

import pytest
from sqlalchemy import text

from app.audit.requests import READING
from tests.commit import IS_WHOLE, is_turn
from tests.document import document
from tests.walls.arrangements import BEFORE
from tests.walls.document import Document
from tests.walls.matrix import Matrix

DOCUMENT = Document(document())
CHANGING = [name for name in DOCUMENT.list_names() if " /v1/" in name and DOCUMENT.read(name).changes]
NAMES = [name for name in CHANGING if IS_WHOLE or is_turn(name, parts=4)]


@pytest.mark.parametrize("name", NAMES)
def test_a_change_is_written_down_once(name: str, matrix: Matrix) -> None:
    operation, office = matrix.document.read(name), matrix.world.office
    seat = matrix.credentials.doer(office)
    own = matrix.own(operation, seat)
    if name in BEFORE:
        BEFORE[name](matrix.calls, seat, own)
    request_id = f"req_{os.urandom(12).hex()}"
    answer = matrix.calls.send(matrix.write(operation, own), **{**seat.headers, "request-id": request_id})
    assert answer.is_done, (answer.status, answer.content)
    with office.open() as session:
        found = session.execute(
            text("SELECT kind, action, status, object_id FROM audit_entry WHERE request_id = :request_id"),
            {"request_id": request_id},
        ).all()
    method, path = name.split()
    action = matrix.document.openapi["paths"][path][method.lower()]["operationId"]
    if action in READING:
        # A card is resolved for a store, which sees her from then on: that changes something, the first time. A dry
        # run is kept.
        assert len([row for row in found if row.kind == "change"]) <= (action in ("resolve_card", "dry_run_campaign"))
        return
    assert [(row.kind, row.action, row.status) for row in found] == [("change", action, answer.status)]
    # What makes one thing or changes one names it; what takes many has no one to name.
    assert found[0].object_id is not None or answer.content.startswith(b'{"items"')


def test_there_is_something_to_try() -> None:
    assert len(CHANGING) > 45
