"""Which content customers sent, and who may see it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.queries import get_customer
from app.inbound.content.problems import ContentGone
from app.inbound.models import LineContent, LineUnsent
from tenants.problems import NotFound
from tenants.session import ScopedSession

KINDS: Final = frozenset({"image", "video", "audio", "file"})
_MESSAGE_ID: Final = re.compile(r"[0-9]{1,32}")


def note_content(
    session: ScopedSession, line_account_id: UUID, customer_id: UUID, message: Mapping[str, Any], sent_at: datetime
) -> None:
    """Note that a message has content at LINE, if it has."""
    message_id, kind, provider = message.get("id"), message.get("type"), message.get("contentProvider")
    if kind not in KINDS or not isinstance(message_id, str) or not _MESSAGE_ID.fullmatch(message_id):
        return
    if isinstance(provider, dict) and provider.get("type") == "external":
        return  # it lies at an address of the sender's, which we do not call
    values = {
        "brand_id": session.scope.brand_id,
        "line_account_id": line_account_id,
        "message_id": message_id,
        "customer_id": customer_id,
        "kind": kind,
        "sent_at": sent_at,
    }
    session.execute(_NOTE, values)


_NOTE = text(
    "INSERT INTO line_content (brand_id, line_account_id, message_id, customer_id, kind, sent_at)"
    " VALUES (:brand_id, :line_account_id, :message_id, :customer_id, :kind, :sent_at) ON CONFLICT DO NOTHING"
)


def get_content(session: ScopedSession, line_account_id: UUID, message_id: str) -> LineContent:
    """The content of a message to an account, of a customer whom the scope sees.

    Raises NotFound, or ContentGone when its writer has taken the message back.
    """
    of_message = select(LineContent).where(
        col(LineContent.line_account_id) == line_account_id, col(LineContent.message_id) == message_id
    )
    content = session.exec(of_message).one_or_none()
    if content is None:
        raise NotFound
    get_customer(session, content.customer_id)
    taken_back = select(LineUnsent.message_id).where(
        col(LineUnsent.line_account_id) == line_account_id, col(LineUnsent.message_id) == message_id
    )
    if session.exec(taken_back).first() is not None:
        raise ContentGone
    return content
