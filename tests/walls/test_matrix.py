"""S1: every operation × every place for an id × every credential, read from the API's own document."""

import pytest

from app.main import create_app
from tests.walls.document import Document
from tests.walls.matrix import Matrix, expected_cells

NAMES = [name for name in Document(create_app().openapi()).list_names() if " /v1/" in name]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_id_is_answered_as_a_made_up_one(name: str, matrix: Matrix) -> None:
    operation = matrix.document.read(name)
    found = matrix.try_operation(operation)
    assert not found.faults, "\n".join(found.faults)
    assert found.cells == expected_cells(operation, matrix.credentials)
