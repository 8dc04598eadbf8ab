"""What crosses the wire between our pages and us."""

from datetime import date
from typing import Annotated

from pydantic import Field, SecretStr

from app.customers.schemas import Birthday, Code, Email, Phone
from app.schemas import Body, CustomerId, Flag, Instant, LineAccountId, OneLine, Read


class SessionCreate(Body):
    """An ID token that LINE has issued to a page, and the Login channel that the page belongs to."""

    id_token: Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
    login_channel_id: Annotated[str, Field(pattern="^[0-9]{1,20}$")]
    line_account_id: LineAccountId | None = None
    consent: Flag = False


class ClaimedId(Body):
    """What another system, such as a till's or a shop's, calls her."""

    system: Annotated[OneLine, Field(max_length=64)]
    value: Code


class Claim(Body):
    """What somebody says of herself, to be recognised by."""

    member_number: Code | None = None
    external_id: Code | None = None
    external_ids: Annotated[list[ClaimedId], Field(max_length=5, default_factory=list)]
    phone: Phone | None = None
    email: Email | None = None
    birthday_on: Birthday | None = None
    consent: Flag = False


class Herself(Read):
    """What a person sees of herself."""

    id: CustomerId
    name: str | None
    display_name: str | None
    member_number: str | None
    birthday_on: date | None


class ProvenIdentity(Read):
    """A provider at which LINE has vouched for her."""

    provider_id: str
    proven_at: Instant


class NotJoined(Read):
    """Why what is proven is not one customer's, in English and in Japanese."""

    detail: str
    detail_ja: str


class SessionRead(Read):
    """A session: its token, who she is, and what is proven."""

    token: str
    expires_at: Instant
    customer: Herself
    identities: list[ProvenIdentity]
    not_joined: NotJoined | None
