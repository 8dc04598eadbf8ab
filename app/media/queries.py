"""Reads of images."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine, func, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.media.models import Media, MediaFile
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import open_session


class Served(NamedTuple):
    """A file as it is sent out."""

    media_type: str
    content: bytes


def list_media() -> SelectOfScalar[Media]:
    """The images of the scope that are not archived, to be paged."""
    return select(Media).where(col(Media.archived_at).is_(None))


def get_media(session: Session, media_id: UUID) -> Media:
    """An image that is not archived. Raises NotFound."""
    media = session.exec(list_media().where(col(Media.id) == media_id)).one_or_none()
    if media is None:
        raise NotFound
    return media


def lock_media(session: Session, media_id: UUID) -> Media:
    """The same, for changing it. Raises NotFound."""
    wanted = list_media().where(col(Media.id) == media_id).with_for_update()
    media = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if media is None:
        raise NotFound
    return media


def sum_bytes(session: Session) -> int:
    """What all images of the brand take, also those that are archived. Asked in the scope of the whole brand."""
    return int(session.exec(select(func.coalesce(func.sum(Media.size_bytes), 0))).one())


def find_file(engine: Engine, code: str, size: str) -> Served | None:
    """The file at an address, of whichever brand; also of an image that was archived, since messages name it."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT brand_id, media_id FROM find_media(:code)"), {"code": code}
        ).one_or_none()
    if found is None:
        return None
    with open_session(engine, Scope(found.brand_id)) as session:
        wanted = select(MediaFile).where(col(MediaFile.media_id) == found.media_id, col(MediaFile.size) == size)
        file = session.exec(wanted).one_or_none()
        return None if file is None else Served(file.media_type, bytes(file.content))
