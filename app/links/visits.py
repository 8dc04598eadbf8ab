"""A visit to a link: noted, then on to where it leads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Engine, text
from sqlmodel import select

from app.auth import brand_key_of
from app.events.service import record
from app.links import queries
from app.links.events import LinkClicked
from app.links.models import Link
from app.links.queries import Reader
from app.links.service import LENGTH
from app.links.tags import read_tag
from app.links.targets import target_of
from app.links.visitors import VISITS, Visitor
from tenants.brands.models import Brand
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.sealing import Keyring, Unsealable
from tenants.session import ScopedSession, open_session

log = structlog.get_logger("links")


def follow(engine: Engine, keyring: Keyring, written: str, visitor: Visitor, now: datetime) -> str | None:
    """Note a visit to what stands behind `/r/`; where to send the browser, None where the link leads nowhere."""
    code, tag = written[:LENGTH], written[LENGTH:]
    found = queries.find_visited(engine, code)
    if found is not None:
        brand_id, link_id = found
        with open_session(engine, Scope(brand_id)) as session:
            link = queries.find_link(session, link_id, now) if _is_in_use(session) else None
            if link is not None:
                if visitor is Visitor.PERSON:
                    _record(session, link, _find_reader(session, keyring, link.run_id, tag), now)
                else:
                    _count_preview(session, link.id, now)
                address = target_of(link)
                session.commit()
                VISITS.labels(visitor).inc()
                return address
    VISITS.labels(Visitor.UNKNOWN).inc()
    return None


def _is_in_use(session: ScopedSession) -> bool:
    return session.exec(select(Brand.status)).one_or_none() in ("active", "suspended")


def _find_reader(session: ScopedSession, keyring: Keyring, run_id: UUID, tag: str) -> Reader | None:
    """Who follows the link, or by which account it was sent. None for a tag that is none of the run's."""
    if not tag:
        return None
    try:
        key = brand_key_of(session, keyring)
    except Unsealable:
        # The reader has done nothing wrong: she is led on, as somebody.
        log.error("brand_key_does_not_open", brand=str(session.scope.brand_id))
        return None
    for named in read_tag(key, run_id, tag):
        reader = (
            queries.find_sender(session, named)
            if isinstance(named, int)
            else queries.lock_reader(session, run_id, named)
        )
        if reader is not None:
            return reader
    return None


def _record(session: ScopedSession, link: Link, reader: Reader | None, now: datetime) -> None:
    origin: Mapping[str, Any] = vars(reader) if reader else {}
    record(
        session,
        LinkClicked(
            **origin,
            occurred_at=now,
            click_id=uuid7(),
            link_id=link.id,
            run_id=link.run_id,
            campaign_id=link.campaign_id,
            weather_rule_id=link.weather_rule_id,
            variant=link.variant,
            url=link.url,
        ),
    )


def _count_preview(session: ScopedSession, link_id: UUID, now: datetime) -> None:
    hour_at = now.replace(minute=0, second=0, microsecond=0)
    session.execute(_ONE_MORE, {"brand_id": session.scope.brand_id, "link_id": link_id, "hour_at": hour_at})


_ONE_MORE: Final = text(
    "INSERT INTO link_hour AS kept"
    " (brand_id, link_id, hour_at, account_no, store_no, clicks, unique_clicks, people, previews)"
    " VALUES (:brand_id, :link_id, :hour_at, 0, 0, 0, 0, 0, 1)"
    " ON CONFLICT (brand_id, link_id, hour_at, account_no, store_no) DO UPDATE SET previews = kept.previews + 1"
)
