"""S1 and S2: every operation × every place for an id × every credential, read from the API's own document.

By itself the run tries some of the operations, others with each commit, as one kind of credential for each
scope and as nobody in every way; with `WALLS=all`, as `make walls` has it, all of them as every kind there is.
"""

from collections.abc import Callable

import pytest

from tests.commit import IS_WHOLE, WALLS_PARTS, is_turn
from tests.document import document
from tests.walls.document import Document
from tests.walls.filters import switched_off
from tests.walls.matrix import Matrix, expected_cells

EVERY = [name for name in Document(document()).list_names() if " /v1/" in name]
NAMES = [name for name in EVERY if IS_WHOLE or is_turn(name, parts=WALLS_PARTS)]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_id_is_answered_as_a_made_up_one(
    name: str, matrix: Matrix, record_property: Callable[[str, object], None]
) -> None:
    operation = matrix.document.read(name)
    seats = (matrix.credentials.all_of if IS_WHOLE else matrix.credentials.leading)(operation.permission)
    found = matrix.try_operation(operation, seats)
    assert not found.faults, "\n".join(found.faults)
    expected = expected_cells(operation, seats)
    assert found.cells == expected
    record_property("walls", [name, len(operation.slots), len(found.cells), len(expected), found.requests])
    with switched_off(matrix.engine) as stripped:
        alone = matrix.try_operation(operation, matrix.credentials.scopes(operation.permission))
    assert not alone.faults, "Without the application's filters:\n" + "\n".join(alone.faults)
    assert {what: (status, found.statuses[what]) for what, status in alone.statuses.items()} == {
        what: (status, status) for what, status in alone.statuses.items()
    }
    assert stripped.left == set()
