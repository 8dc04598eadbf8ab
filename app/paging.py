"""Cursor pages: keyset on the id, newest first, with a cursor that only we can make and only this list accepts."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from sqlmodel import Session, col

from app.auth import Caller
from app.schemas import Page, Plain
from tenants.problems import Invalid
from tenants.sealing import Keyring

Row = TypeVar("Row")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Paging:
    """Where in a list the caller is: `limit` rows after the id in `after`, and there after the number in `after_no`."""

    limit: int
    after: UUID | None
    place: bytes
    sign: Callable[[bytes], bytes]
    after_no: int = 0
    """Of lists in which several rows may have one id, apart by a small number."""

    def cursor(self, last: UUID, no: int = 0) -> str:
        """The cursor that continues after this row."""
        at = last.bytes + (no.to_bytes(4) if no else b"")
        return urlsafe_b64encode(at + self.sign(self.place + at)).decode().rstrip("=")


def read_paging(
    request: Request,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows on a page."), Plain] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Paging:
    """The paging of this request. Raises Invalid for a forged cursor or one of another list, brand or stores."""
    nos = caller.scope.store_nos
    within = "all" if nos is None else ",".join(str(no) for no in sorted(nos))
    return paging_of(request, caller.scope.brand_id, limit, cursor, within=within)


def paging_of(request: Request, owner_id: UUID, limit: int, cursor: str | None, *, within: str = "") -> Paging:
    """The paging of a request for a list that is this owner's. Raises Invalid for a cursor of another list or owner.

    `within` is what the owner sees of the list: who sees another part of it has other cursors.
    """
    keyring: Keyring = request.app.state.keyring
    path = owner_id.bytes + within.encode() + request.url.path.encode()
    filters = "&".join(sorted(f"{k}={v}" for k, v in request.query_params.multi_items() if k not in _OWN))
    place = path + b"?" + filters.encode()
    after, after_no = _read_cursor(cursor, place, keyring) if cursor else (None, 0)
    return Paging(limit, after, place, keyring.sign, after_no)


_OWN = {"limit", "cursor"}


def _read_cursor(cursor: str, place: bytes, keyring: Keyring) -> tuple[UUID, int]:
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (NotBase64, ValueError):
        raw = b""
    at, signature = raw[:-16], raw[-16:]
    if len(at) not in (16, 20) or not keyring.is_signed(place + at, signature):
        raise Invalid.at("/query/cursor", "This is not a cursor of this list.")
    return UUID(bytes=at[:16]), int.from_bytes(at[16:])


PagingParams = Annotated[Paging, Depends(read_paging, scope="function")]


def list_page(session: Session, rows: Any, key: Any, paging: Paging) -> tuple[Sequence[Any], str | None]:
    """One page of `rows` (a select of one entity) by descending `key`, its id column; and the next cursor."""
    wanted = rows if paging.after is None else rows.where(col(key) < paging.after)
    found = session.exec(wanted.order_by(col(key).desc()).limit(paging.limit + 1)).all()
    shown = found[: paging.limit]
    more = len(found) > paging.limit
    return shown, paging.cursor(getattr(shown[-1], key.key)) if more else None


def make_page(session: Session, rows: Any, key: Any, paging: Paging, read: Callable[[Any], Out]) -> Page[Out]:
    """A page of what `read` makes of each row."""
    shown, next_cursor = list_page(session, rows, key, paging)
    return Page(items=[read(row) for row in shown], next_cursor=next_cursor)
