"""QR codes, the scans of them, and how many there were."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer


class QrCode(BrandTable, table=True):
    """A link that leads to a LINE account, as it is printed somewhere. `store_nos` are the stores that see it."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "code"),
        line_account_id="line_account",
        store_id="store",
    )

    code: str
    """What stands behind `/r/`. Made by chance, and never used for another one: print lasts."""
    name: str
    kind: str
    """`store`, `screen`, `poster`, `staff` or `other`."""
    label: str | None = None
    line_account_id: UUID
    store_id: UUID | None = None
    store_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    """Its store, or those of its account, for the stores' wall."""
    archived_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def store_no(self) -> int | None:
        """The number of the store that owns it; None: head office does."""
        return self.store_nos[0] if self.store_id is not None else None


class QrScan(BrandTable, table=True):
    """One visit to the link of a code whose follows can be tied, made at `created_at`.

    It lives for two days, or, once a friendship is tied to it, as long as the code.
    """

    __table_args__ = refer(
        Index(
            "uq_qr_scan_brand_id_friend_id",
            "brand_id",
            "friend_id",
            unique=True,
            postgresql_where=text("friend_id IS NOT NULL"),
        ),
        Index(
            "ix_qr_scan_identified",
            "brand_id",
            "line_account_id",
            "line_user_id",
            postgresql_where=text("line_user_id IS NOT NULL"),
        ),
        Index("ix_qr_scan_tied", "brand_id", "qr_code_id", postgresql_where=text("tied_at IS NOT NULL")),
        Index("ix_qr_scan_untied", "brand_id", "created_at", postgresql_where=text("tied_at IS NULL")),
        qr_code_id="qr_code",
        line_account_id="line_account",
    )

    qr_code_id: UUID
    line_account_id: UUID
    provider_id: str = Field(sa_column_kwargs=SHOWN)
    line_user_id: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """Who scanned it, as LINE Login proved; null before that, and again once the friendship is tied."""
    identified_at: datetime | None = Field(default=None, sa_type=Instant)
    friend_id: UUID | None = None
    """The friendship that came of it; null again when she is erased, while `tied_at` stays, as a figure of nobody."""
    customer_id: UUID | None = None
    tied_at: datetime | None = Field(default=None, sa_type=Instant)


class QrScanDay(BrandRow, table=True):
    """How often a code was scanned on one day of the brand's calendar."""

    __table_args__ = refer(qr_code_id="qr_code")

    qr_code_id: UUID = Field(primary_key=True)
    scanned_on: date = Field(primary_key=True)
    scans: int
