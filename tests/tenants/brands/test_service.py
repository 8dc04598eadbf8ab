"""Making brands."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from tenants.brands.queries import get_brand
from tenants.brands.service import create_brand
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import open_session
from tests import make


def test_a_brand_is_made_in_the_scope_of_its_own_id(engine: Engine, keyring: Keyring) -> None:
    scope = Scope(uuid7())
    with open_session(engine, scope) as session:
        brand = create_brand(session, keyring, name="のれん", timezone="Asia/Tokyo")
        assert (brand.id, get_brand(session, brand.id).name) == (scope.brand_id, "のれん")
        key = keyring.open(brand.id, brand.master_key_id, brand.wrapped_key)
        assert key.unseal(key.seal("secret", "here"), "here") == b"secret"


def test_a_brand_of_another_scope_is_not_let_in(engine: Engine, keyring: Keyring) -> None:
    with open_session(engine, Scope(uuid7())) as session:
        session.add(make.new_brand(keyring))
        with pytest.raises(ProgrammingError, match="row-level security"):
            session.flush()
