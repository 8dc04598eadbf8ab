"""What crosses the wire between Noren and its operator: nothing of any brand's customers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from app.admin.brand.schemas import Timezone
from app.admin.staff.schemas import Email
from app.admin.support_grants.schemas import SupportGrantRead
from app.schemas import Body, BrandId, Instant, Name, Read, StaffId, TypeId, example
from tenants.operators.service import MOST_MINUTES
from tenants.permissions import GRANTABLE_TO_SUPPORT, PERMISSIONS

ReceiptId = Annotated[UUID, TypeId("receipt")]
ClientId = Annotated[UUID, TypeId("client")]


def _readable(name: str) -> str:
    if name not in GRANTABLE_TO_SUPPORT:
        raise ValueError("can not be granted to support" if name in PERMISSIONS else "is not a permission")
    return name


SupportPermission = Annotated[
    str,
    Field(max_length=60, json_schema_extra={"enum": sorted(GRANTABLE_TO_SUPPORT)}),
    AfterValidator(_readable),
]


ReasonText = Name
"""Why, in a line that the brand reads too."""


class FirstAdmin(Body):
    """Who is invited to be the brand's first head-office admin."""

    name: Name
    email: Email


class BrandCreate(Body):
    """A new brand, with its first API client."""

    model_config = example(name="のれん食堂", timezone="Asia/Tokyo", client_name="本部システム")

    name: Name
    timezone: Timezone = "Asia/Tokyo"
    client_name: Name = "Head office"
    admin: FirstAdmin | None = None


class Reason(Body):
    """Why."""

    model_config = example(reason="Invoices of June and July are unpaid.")

    reason: ReasonText


class Confirmation(Body):
    """The brand's name, so that no other brand is meant."""

    model_config = example(confirm="のれん食堂")

    confirm: Name


class SupportGrantCreate(Body):
    """What support needs to see, for how long, and why."""

    model_config = example(reason="Ticket 4711: deliveries look wrong", minutes=60, permissions=["campaigns:read"])

    reason: ReasonText
    minutes: Annotated[int, Field(strict=True, ge=1, le=MOST_MINUTES)]
    permissions: Annotated[list[SupportPermission], Field(min_length=1, max_length=100)]


class BrandSummary(Read):
    """A brand as its operator sees it."""

    id: BrandId
    name: str
    status: Literal["active", "suspended", "deleting"]
    suspended_at: Instant | None
    suspended_reason: str | None
    timezone: str
    stores: int
    line_accounts: int
    created_at: Instant


class FirstClient(Read):
    """The first API client of a brand, with its secret."""

    client_id: ClientId
    client_secret: str


class Invitation(Read):
    """The invitation of the first admin, for her to open."""

    staff_id: StaffId
    invitation_url: str
    invitation_expires_at: Instant


class BrandSecret(BrandSummary):
    """A new brand, with secrets that are shown this once."""

    client: FirstClient
    admin: Invitation | None


class SupportGrantSecret(SupportGrantRead):
    """A support grant with its bearer token, which is shown this once and used at /v1."""

    token: str


class DeletionRead(Read):
    """The receipt of a brand's deletion; `deleted_at` and `digest` are null while rows are left."""

    id: ReceiptId
    brand_id: BrandId
    brand_name: str
    operator: str
    requested_at: Instant
    deleted_at: Instant | None
    rows: dict[str, int]
    audit_hash: str | None
    digest: str | None
