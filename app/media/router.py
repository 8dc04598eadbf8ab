"""Images over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.media import queries, service
from app.media.making import IMAGEMAP_WIDTHS
from app.media.models import Media
from app.media.receiving import BODY, ImageRoute, Sizes
from app.media.schemas import ImagemapRead, MediaPatch, MediaRead
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import MediaId, OneLine, Page, StoreId
from tenants.problems import PermissionMissing
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/media", tags=["media"], route_class=ApiRoute)
uploads = APIRouter(prefix="/v1/media", tags=["media"], route_class=ImageRoute)
routers = [uploads, router]


@uploads.post("", status_code=201, openapi_extra=BODY, dependencies=[allow("campaigns:write")])
def create_media(
    sizes: Sizes,
    request: Request,
    session: BrandWide,
    caller: Caller,
    name: Annotated[OneLine, Query(max_length=200, description="What people call it.")] = "image",
    store_id: StoreId | None = None,
) -> MediaRead:
    """Upload a JPEG or PNG for messages. It is written anew without what cameras hide in it, such as the place.

    Beside the original there are a preview of at most 1 MB and the five widths of an imagemap.
    """
    store = caller.owner(session, store_id)
    max_bytes: int = request.app.state.settings.max_media_bytes
    return _read(request, service.keep(session, sizes, name=name, store=store, max_bytes=max_bytes))


@router.get("", dependencies=[allow("campaigns:read")])
def list_media(request: Request, session: ScopedSession, paging: PagingParams) -> Page[MediaRead]:
    """Images: head office's, and those of the caller's stores."""
    rows, next_cursor = list_page(session, queries.list_media(), Media.id, paging)
    return Page(items=[_read(request, row) for row in rows], next_cursor=next_cursor)


@router.get("/{media_id}", dependencies=[allow("campaigns:read")])
def get_media(media_id: MediaId, request: Request, session: ScopedSession) -> MediaRead:
    """An image, and where it is served."""
    return _read(request, queries.get_media(session, media_id))


@router.patch("/{media_id}", dependencies=[allow("campaigns:write")])
def change_media(
    media_id: MediaId,
    body: MediaPatch,
    request: Request,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
) -> MediaRead:
    """Change what an image is called."""
    media = _own(session, caller, media_id)
    if_match.check(_read(request, media))
    if body.name is not None:
        media.name = body.name
        session.add(media)
    return _read(request, media)


@router.delete("/{media_id}", status_code=204, dependencies=[allow("campaigns:write")])
def archive_media(media_id: MediaId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Put an image away. Its addresses go on working, for messages that name it."""
    service.archive(session, _own(session, caller, media_id), now)


def _own(session: Session, caller: CallerInfo, media_id: MediaId) -> Media:
    """An image that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    if not caller.scope.sees_store(queries.get_media(session, media_id).store_no):
        raise PermissionMissing("campaigns:write")
    return queries.lock_media(session, media_id)


def _read(request: Request, media: Media) -> MediaRead:
    public_url: str = request.app.state.settings.public_url
    base_url = f"{public_url.rstrip('/')}/media/{media.code}"
    width = IMAGEMAP_WIDTHS[0]
    height = max(1, round(media.height * width / media.width))
    imagemap = ImagemapRead(base_url=base_url, width=width, height=height) if height <= 4 * width else None
    return MediaRead.model_validate(
        {
            **media.model_dump(),
            "url": f"{base_url}/original",
            "preview_url": f"{base_url}/preview",
            "imagemap": imagemap,
        }
    )
