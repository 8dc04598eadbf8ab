"""What crosses the wire about tills."""

from typing import Annotated

from pydantic import Field

from app.admin.api_keys.schemas import LastUsedAt, LastUsedFrom
from app.schemas import Body, Instant, Name, Read, StoreId, TillDeviceId, example
from tenants.tills.models import TillStatus


class TillLinkCreate(Body):
    """A link by which one browser becomes a till of a store. A key of one store need not name it."""

    model_config = example(store_id="store_01h455vb4pex5vsknk084sn02q", name="レジ1")

    store_id: StoreId | None = None
    name: Name


class TillDeviceRead(Read):
    """A till, or the invitation to be one."""

    id: TillDeviceId
    store_id: StoreId
    name: str
    status: Annotated[
        TillStatus,
        Field(
            description="`invited`: nobody has opened the link yet. `locked`: the PIN was typed wrongly too often."
            " `expired`: nobody opened it in time. `active`: it may redeem."
        ),
    ]
    invited_until: Instant
    opened_at: Instant | None
    created_at: Instant
    last_used_at: LastUsedAt
    last_used_from: LastUsedFrom


class TillLinkRead(TillDeviceRead):
    """An invitation with its link and its PIN, which are shown this once. Hand them over by different ways."""

    url: Annotated[str, Field(description="To be opened in the browser that is to be the till.")]
    pin: Annotated[str, Field(description="Six digits, to be typed there.", examples=["204913"])]
