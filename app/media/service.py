"""Images: kept, renamed, put away."""

import secrets
from datetime import datetime

from sqlalchemy import text

from app.media import queries
from app.media.making import Made
from app.media.models import Media, MediaFile
from app.media.problems import MediaFull
from tenants.session import ScopedSession
from tenants.stores.models import Store

CODE_BYTES = 24


def keep(session: ScopedSession, made: Made, *, name: str, store: Store | None, max_bytes: int) -> Media:
    """A new image with its files. Needs a session of the whole brand. Raises MediaFull."""
    # Or two uploads would each count the last room as free.
    session.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"),
        {"place": f"media:{session.scope.brand_id}"},
    )
    if queries.sum_bytes(session) + made.size_bytes > max_bytes:
        raise MediaFull(max_bytes)
    media = Media(
        code=secrets.token_urlsafe(CODE_BYTES),
        name=name,
        media_type=made.media_type,
        width=made.width,
        height=made.height,
        size_bytes=made.size_bytes,
        store_id=store.id if store else None,
        store_no=store.no if store else None,
    )
    session.add(media)
    session.flush()
    for file in made.files:
        session.add(
            MediaFile(
                media_id=media.id,
                size=file.size,
                media_type=file.media_type,
                content=file.content,
                store_no=media.store_no,
            )
        )
    session.flush()
    return media


def archive(session: ScopedSession, media: Media, now: datetime) -> None:
    """Put an image away: it is listed no more. Its address goes on working, for messages that name it."""
    media.archived_at = now
    session.add(media)
