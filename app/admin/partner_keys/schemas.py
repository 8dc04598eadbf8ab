"""What crosses the wire about partner keys."""

from typing import Annotated, Literal

from pydantic import Field

from app.admin.api_keys.schemas import KeyRead, KeyStoreIds, PartnerPermissions
from app.admin.patches import absent
from app.schemas import Body, Instant, Name, StoreId, example

PartnerStores = Annotated[Literal["all"] | KeyStoreIds, Field(description='"all", or the stores that it is for.')]


class PartnerKeyCreate(Body):
    """A new key for a partner, such as the maker of a till or a shop on the web. What it may do is named, all of it."""

    model_config = example(name="POS連携", permissions=["orders:write", "coupons:redeem"])

    name: Name
    store_ids: PartnerStores = "all"
    permissions: PartnerPermissions
    expires_at: Instant | None = None


class PartnerKeyPatch(Body):
    """Changes to a key. Lists replace what stands."""

    model_config = example(name="POS連携 2号機")

    name: Name = Field(default_factory=absent)
    store_ids: PartnerStores = Field(default_factory=absent)
    permissions: PartnerPermissions = Field(default_factory=absent)
    expires_at: Instant | None = None


class PartnerKeyRead(KeyRead):
    """A key of a partner. `prefix` is how its secret begins."""

    store_ids: Literal["all"] | list[StoreId]


class PartnerKeySecret(PartnerKeyRead):
    """A key with its secret, which is shown this once."""

    key: str
