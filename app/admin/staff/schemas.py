"""What crosses the wire about staff."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.admin.api_keys.schemas import KeyStoreIds
from app.admin.patches import absent
from app.schemas import Body, Instant, Name, Read, StaffId, StoreId, example

Role = Literal["hq_admin", "marketer", "analyst", "store_manager", "clerk"]
Status = Literal["invited", "active", "disabled"]


def _is_address(text: str) -> str:
    local, _, host = text.rpartition("@")
    if not local or "." not in host or "@" in local or not text.isprintable() or " " in text:
        raise ValueError("must be an e-mail address")
    return text.lower()


Email = Annotated[
    str,
    Field(min_length=6, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", examples=["hanako@example.jp"]),
    AfterValidator(_is_address),
]
StaffStores = Annotated[
    Literal["all"] | KeyStoreIds,
    Field(description='"all", or the stores that she works for. `hq_admin` is always over all, stores\' roles never.'),
]


class StaffCreate(Body):
    """A person to invite."""

    model_config = example(name="山田 花子", email="hanako@example.jp", role="marketer", store_ids="all")

    name: Name
    email: Email
    role: Role
    store_ids: StaffStores


class StaffPatch(Body):
    """Changes to a member of staff. Stores replace those that stand; a new address ends an open invitation."""

    model_config = example(name="山田 花子")

    name: Name = Field(default_factory=absent)
    email: Email = Field(default_factory=absent)
    role: Role = Field(default_factory=absent)
    store_ids: StaffStores = Field(default_factory=absent)


class StaffRead(Read):
    """A member of staff. She is `invited` until she signs in for the first time."""

    id: StaffId
    name: str
    email: str
    role: Role
    store_ids: Literal["all"] | list[StoreId]
    status: Status
    last_signed_in_at: Instant | None
    created_at: Instant


class StaffInvited(StaffRead):
    """A member of staff with her invitation, which is shown this once; it ends after a week, or once it is used."""

    invitation_url: str
    invitation_expires_at: Instant
