"""What the tests of segments share."""

import pytest

from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome


@pytest.fixture
def shops(home: BrandHome) -> tuple[Store, Store]:
    with home.open() as session:
        stores = make.store(session), make.store(session)
        session.commit()
    return stores
