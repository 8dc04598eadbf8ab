"""How the tests of segments call the API."""

from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome


def key_headers(home: BrandHome, *stores: Store, permissions: list[str] | None = None) -> dict[str, str]:
    with home.open() as session:
        key = make.store_key(session, *stores, permissions=permissions)
        session.commit()
    return {"Authorization": f"Bearer {key}"}
