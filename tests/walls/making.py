"""What it takes to make a thing of a kind, for head office or for a store."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store

HEAD_OFFICE, STORE = "head office", "a store"
BOTH = frozenset({HEAD_OFFICE, STORE})


@dataclass(frozen=True)
class Made:
    """What a maker has to go on: an open session, whose thing it is, and the name to give it."""

    session: ScopedSession
    store: Store | None
    """None: head office's."""
    name: str
    keyring: Keyring
    rich: bool = False
    """Whether to make all that hangs on such a thing too."""

    @property
    def store_no(self) -> int | None:
        """The number of the store that owns it."""
        return self.store.no if self.store else None

    @property
    def store_id(self) -> UUID | None:
        """The id of the store that owns it."""
        return self.store.id if self.store else None

    @property
    def at(self) -> Store:
        """The store, or for head office any."""
        return self.store or self.session.exec(select(Store).order_by(col(Store.no)).limit(1)).one()


@dataclass(frozen=True)
class Thing:
    """A kind of thing: how one is made, and who may own it."""

    make: Callable[[Made], UUID]
    owners: frozenset[str]
