"""The operator's operations are nobody else's, and what hangs on a brand is found under that brand only."""

import pytest

from app.keys import digest_of, new_secret
from tenants.ids import encode_id
from tenants.operators.models import OperatorKey
from tests.document import document
from tests.walls.calls import Answer
from tests.walls.credentials import Headers
from tests.walls.document import Document, Operation, Slot
from tests.walls.matrix import Matrix
from tests.walls.world import Place, new_id

NAMES = [name for name in Document(document()).list_names() if " /operator/" in name]


@pytest.fixture(scope="session")
def operator(matrix: Matrix) -> Headers:
    """A live credential of the operator."""
    secret = new_secret("operator")
    with matrix.world.office.open() as session:
        session.add(OperatorKey(name="運用", prefix=secret[:16], digest=digest_of(secret)))
    return {"authorization": f"Bearer {secret}"}


def send(matrix: Matrix, operation: Operation, place: Place | None, headers: Headers, **others: str) -> Answer:
    """The answer to an operation upon a brand, None being one that nobody made."""

    def value(slot: Slot) -> str:
        if slot.kind != "brand":
            return others.get(slot.kind, new_id(slot.kind))
        return encode_id("brand", place.brand.id) if place else new_id("brand")

    values = {slot: value(slot) for slot in operation.slots if slot.is_id}
    own = matrix.own(operation, matrix.credentials.doer(matrix.world.office))
    return matrix.calls.send(matrix.write(operation, own, values), **headers)


@pytest.mark.parametrize("name", NAMES)
def test_no_credential_of_a_brand_opens_it(name: str, matrix: Matrix) -> None:
    operation, world = matrix.document.read(name), matrix.world
    seats = [*matrix.credentials.strong, *matrix.credentials.ended]
    with matrix.nothing_changes():
        for seat in seats:
            answers = [send(matrix, operation, place, seat.headers) for place in (None, world.office, world.x)]
            assert {answer.status for answer in answers} <= {401, 403}, (seat.name, answers)
            assert len({answer.exactly() for answer in answers}) == 1, (seat.name, answers)
    assert matrix.found.faults == []


@pytest.mark.parametrize("name", [name for name in NAMES if "{grant_id}" in name])
def test_what_is_another_brands_is_answered_as_made_up(name: str, matrix: Matrix, operator: Headers) -> None:
    operation, world = matrix.document.read(name), matrix.world
    made_up = send(matrix, operation, world.office, operator)
    theirs = send(matrix, operation, world.office, operator, grant=world.their_office.keep("grant"))
    assert made_up.status == 404
    assert theirs.exactly() == made_up.exactly()


def test_the_operators_credential_opens_nothing_of_a_brand(matrix: Matrix, operator: Headers) -> None:
    names = [name for name in matrix.document.list_names() if " /v1/" in name]
    for name in names:
        operation = matrix.document.read(name)
        own = matrix.own(operation, matrix.credentials.doer(matrix.world.office), fresh=False)
        assert matrix.calls.send(matrix.write(operation, own), **operator).status == 401, name
    assert len(names) > 90
