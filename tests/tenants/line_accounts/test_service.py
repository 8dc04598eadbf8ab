"""LINE accounts: their secrets and their stores."""

import pytest
from sqlmodel import col, select

from app.auth import brand_key_of
from tenants.ids import uuid7
from tenants.line_accounts import queries, service
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.line_accounts.problems import ChannelTaken
from tenants.sealing import BrandKey, Keyring, Unsealable
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make


@pytest.fixture
def key(session: ScopedSession, keyring: Keyring) -> BrandKey:
    """The brand's data key."""
    return brand_key_of(session, keyring)


def _register(session: ScopedSession, key: BrandKey, *stores: Store, channel_id: str = "c-1") -> LineAccount:
    values = {"name": "新宿", "channel_id": channel_id, "provider_id": "p-1"}
    return service.register_account(session, key, values, secret="s3cret", stores=stores)


def _tied_nos(session: ScopedSession, account: LineAccount) -> list[int]:
    ties = select(LineAccountStore.store_no).where(col(LineAccountStore.line_account_id) == account.id)
    return sorted(session.exec(ties).all())


def test_a_secret_opens_only_where_it_was_sealed(session: ScopedSession, key: BrandKey) -> None:
    first = _register(session, key, make.store(session))
    second = _register(session, key, make.store(session), channel_id="c-2")
    assert service.open_secret(first, key) == "s3cret"
    second.sealed_secret = first.sealed_secret
    with pytest.raises(Unsealable):
        service.open_secret(second, key)


def test_a_channel_is_registered_once(session: ScopedSession, key: BrandKey) -> None:
    _register(session, key, make.store(session))
    store = make.store(session)
    with pytest.raises(ChannelTaken):
        _register(session, key, store)


def test_twins_of_one_millisecond_register_once(session: ScopedSession, key: BrandKey) -> None:
    values = {"id": uuid7(), "name": "新宿", "channel_id": "c-1", "provider_id": "p-1"}
    stores = [make.store(session)]
    made = service.register_account(session, key, values, secret="s3cret", stores=stores)
    session.expunge(made)
    with pytest.raises(ChannelTaken):
        service.register_account(session, key, values, secret="s3cret", stores=stores)


def test_the_array_repeats_the_ties(session: ScopedSession, key: BrandKey) -> None:
    one, two, three = (make.store(session) for _ in range(3))
    account = _register(session, key, three, one)
    assert account.store_nos == _tied_nos(session, account) == [one.no, three.no]
    service.join_store(session, account, two)
    assert account.store_nos == _tied_nos(session, account) == [one.no, two.no, three.no]
    service.leave_store(session, account, one)
    assert account.store_nos == _tied_nos(session, account) == [two.no, three.no]
    service.set_stores(session, account, [one])
    assert account.store_nos == _tied_nos(session, account) == [one.no]


def test_an_archived_account_speaks_for_nobody(session: ScopedSession, key: BrandKey) -> None:
    store = make.store(session)
    account = _register(session, key, store)
    assert queries.list_ids_by_store(session, [store.id]) == {store.id: [account.id]}
    service.archive_account(account, utc_now())
    session.flush()
    assert queries.list_ids_by_store(session, [store.id]) == {store.id: []}
