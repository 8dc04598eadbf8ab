"""The walls hold at their lowest level: sessions and rows."""

from sqlmodel import select

from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome


def test_a_session_sees_the_stores_of_its_scope_only(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    narrow = Scope(session.scope.brand_id, frozenset({first.no}))
    with open_session(session.connection(), narrow, join_transaction_mode="create_savepoint") as inside:
        assert [row.id for row in inside.exec(select(Store)).all()] == [first.id]
    assert second.no != first.no


def test_a_brand_sees_nothing_of_another(home: BrandHome, other_home: BrandHome) -> None:
    with home.open() as session:
        make.store(session)
        session.commit()
    with other_home.open() as session:
        assert session.exec(select(Store)).all() == []
