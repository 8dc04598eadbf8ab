"""QR codes over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.paging import PagingParams, list_page
from app.qr_codes import queries, service
from app.qr_codes.images import draw
from app.qr_codes.models import QrCode
from app.qr_codes.schemas import QrCodeCreate, QrCodePatch, QrCodeRead
from app.routes import ApiRoute, Precondition
from app.schemas import LineAccountId, OneLine, Page, Plain, QrCodeId, StoreId
from tenants.line_accounts.queries import get_account
from tenants.problems import PermissionMissing
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/qr-codes", tags=["qr-codes"], route_class=ApiRoute)


@router.get("", dependencies=[allow("qr_codes:read")])
def list_qr_codes(
    request: Request,
    session: ScopedSession,
    paging: PagingParams,
    line_account_id: LineAccountId | None = None,
    store_id: StoreId | None = None,
    status: Annotated[Literal["live", "archived"], Query(description="Which of them.")] = "live",
) -> Page[QrCodeRead]:
    """QR codes: head office's, or those of the caller's stores and accounts."""
    wanted = queries.list_codes(archived=status == "archived", line_account_id=line_account_id, store_id=store_id)
    codes, next_cursor = list_page(session, wanted, QrCode.id, paging)
    return Page(items=_read_all(request, session, codes), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("qr_codes:write")])
def create_qr_code(
    body: QrCodeCreate, request: Request, session: ScopedSession, caller: Caller, now: Now
) -> QrCodeRead:
    """Make a QR code of a LINE account, or of one of its stores; its link works from now on."""
    account = get_account(session, body.line_account_id)
    store = caller.owner(session, body.store_id)
    values = body.model_dump(exclude={"line_account_id", "store_id"})
    return _read(request, session, service.create_code(session, values, account=account, store=store, now=now))


@router.get("/{qr_code_id}", dependencies=[allow("qr_codes:read")])
def get_qr_code(qr_code_id: QrCodeId, request: Request, session: ScopedSession) -> QrCodeRead:
    """A QR code, archived or not, and what came of it."""
    return _read(request, session, queries.get_code(session, qr_code_id))


@router.patch("/{qr_code_id}", dependencies=[allow("qr_codes:write")])
def change_qr_code(
    qr_code_id: QrCodeId,
    body: QrCodePatch,
    request: Request,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
) -> QrCodeRead:
    """Change what a QR code is called. It goes on leading where it led."""
    code = _own(session, caller, qr_code_id)
    if_match.check(_read(request, session, code))
    changes = body.model_dump(exclude_unset=True)
    service.change_code(session, code, changes)
    return _read(request, session, code)


@router.delete("/{qr_code_id}", status_code=204, dependencies=[allow("qr_codes:write")])
def archive_qr_code(qr_code_id: QrCodeId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Take a QR code out of use: whoever scans it is told that it is no longer in use. What came of it stays."""
    service.archive_code(session, _own(session, caller, qr_code_id), now)


def _binary(description: str, *media_types: str) -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}
    return {200: {"description": description, "content": content}}


PICTURE = _binary("The picture.", "image/svg+xml", "image/png")


@router.get("/{qr_code_id}/image", response_class=Response, responses=PICTURE, dependencies=[allow("qr_codes:read")])
def read_qr_code_image(
    qr_code_id: QrCodeId,
    request: Request,
    session: ScopedSession,
    kind: Annotated[
        Literal["svg", "png"], Query(alias="format", description="SVG for print, PNG for screens.")
    ] = "svg",
    size: Annotated[int, Query(ge=64, le=4096, description="Pixels a side, at most."), Plain] = 512,
) -> Response:
    """The QR code as a picture, black on white with its quiet zone; keep that free of anything else."""
    code = queries.get_code(session, qr_code_id)
    media_type = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return _file(draw(url_of(request, code), kind, size), media_type, f"{code.code}.{kind}")


PAGE = _binary("One page of PDF.", "application/pdf")


@router.get("/{qr_code_id}/poster", response_class=Response, responses=PAGE, dependencies=[allow("qr_codes:read")])
def read_qr_code_poster(
    qr_code_id: QrCodeId,
    request: Request,
    session: ScopedSession,
    paper: Annotated[Literal["a3", "a4", "a5"], Query(description="The size of the sheet.")] = "a4",
    headline: Annotated[OneLine | None, Query(max_length=80, description="In place of ours.")] = None,
) -> Response:
    """A poster to print: the store and the brand, a headline, the code and how a friend is added, in Japanese."""
    from app.qr_codes.poster import HEADLINE, STEPS, UNTIED_STEPS, PosterText, print_poster, printable

    code = queries.get_code(session, qr_code_id)
    shown = queries.find_shown(session, code)
    told = PosterText(
        brand=printable(shown.brand),
        place=printable(shown.place),
        headline=printable(headline or "") or HEADLINE,
        basic_id=shown.basic_id,
        steps=STEPS if queries.count_of(session, [code])[code.id].is_tied else UNTIED_STEPS,
        made_at=code.created_at,
    )
    return _file(print_poster(url_of(request, code), told, paper), "application/pdf", f"{code.code}.pdf")


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    return Response(content, media_type=media_type, headers=headers)


def _own(session: Session, caller: CallerInfo, qr_code_id: QrCodeId) -> QrCode:
    """A code that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    if not caller.scope.sees_store(queries.get_code(session, qr_code_id).store_no):
        raise PermissionMissing("qr_codes:write")
    return queries.lock_code(session, qr_code_id)


def url_of(request: Request, code: QrCode) -> str:
    """The link that a code is."""
    public_url: str = request.app.state.settings.public_url
    return f"{public_url.rstrip('/')}/r/{code.code}"


def _read(request: Request, session: Session, code: QrCode) -> QrCodeRead:
    return _read_all(request, session, [code])[0]


def _read_all(request: Request, session: Session, codes: Sequence[QrCode]) -> list[QrCodeRead]:
    counted = queries.count_of(session, codes)
    return [
        QrCodeRead.model_validate({**code.model_dump(), **vars(counted[code.id]), "url": url_of(request, code)})
        for code in codes
    ]


routers = [router]
