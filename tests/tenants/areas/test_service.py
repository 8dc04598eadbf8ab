"""Areas and their tree."""

import pytest

from tenants.areas import queries, service
from tenants.areas.problems import AreaCycle, AreaInUse
from tenants.ids import uuid7
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.tables import utc_now
from tests import make


def test_moving_an_area_below_its_own_child_is_a_cycle(session: ScopedSession) -> None:
    top = make.area(session)
    low = make.area(session, parent_id=make.area(session, parent_id=top.id).id)
    with pytest.raises(AreaCycle):
        service.change_area(session, top, {"parent_id": low.id}, None)
    with pytest.raises(AreaCycle):
        service.change_area(session, top, {"parent_id": top.id}, None)


def test_an_area_moves_to_another_branch(session: ScopedSession) -> None:
    left, right = make.area(session), make.area(session)
    child = make.area(session, parent_id=left.id)
    service.change_area(session, child, {"parent_id": right.id}, None)
    assert queries.get_area(session, child.id).parent_id == right.id


def test_an_archived_area_is_no_parent(session: ScopedSession) -> None:
    gone, child = make.area(session), make.area(session)
    service.archive_area(session, gone, utc_now())
    with pytest.raises(NotFound):
        service.change_area(session, child, {"parent_id": gone.id}, None)
    with pytest.raises(NotFound):
        service.create_area(session, {"name": "x", "parent_id": gone.id}, [])


def test_an_area_with_others_inside_is_not_archived(session: ScopedSession) -> None:
    top = make.area(session)
    inside = make.area(session, parent_id=top.id, name="新宿")
    with pytest.raises(AreaInUse, match="新宿"):
        service.archive_area(session, top, utc_now())
    service.archive_area(session, inside, utc_now())
    service.archive_area(session, top, utc_now())


def test_an_archived_area_still_means_its_stores(session: ScopedSession) -> None:
    store = make.store(session)
    area = make.area(session, store)
    service.archive_area(session, area, utc_now())
    session.flush()
    assert queries.map_store_nos(session, [area.id]) == {area.id: {store.no}}


def test_the_stores_of_an_area_are_those_that_the_scope_sees(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    area = make.area(session, first, second)
    narrow = Scope(session.scope.brand_id, frozenset({second.no}))
    with open_session(session.connection(), narrow, join_transaction_mode="create_savepoint") as inside:
        assert queries.list_store_ids(inside, [area.id]) == {area.id: [second.id]}
        assert [store.id for store in queries.list_stores(inside, area.id)] == [second.id]


def test_an_area_that_is_not_there_is_not_found(session: ScopedSession) -> None:
    with pytest.raises(NotFound):
        queries.get_area(session, uuid7())
