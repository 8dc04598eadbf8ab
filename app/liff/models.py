"""What the pages inside LINE have to remember of those who use them."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from tenants.tables import BrandRow, Instant


class LinkGuess(BrandRow, table=True):
    """How often an identity has named keys that did not show who she is, within an hour that began at `window_at`."""

    identity_id: UUID = Field(primary_key=True)
    window_at: datetime = Field(sa_type=Instant)
    wrong: int
