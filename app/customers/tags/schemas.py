"""Tags as they cross the wire."""

from typing import Annotated

from pydantic import Field

from app.schemas import Body, Instant, Name, Read, StoreId, TagId, example


class TagCreate(Body):
    """A label for customers."""

    model_config = example(name="常連")

    name: Name
    store_id: Annotated[StoreId | None, Field(description="The store that owns it; null is the brand.")] = None


class TagUpdate(Body):
    """What may change of a tag."""

    model_config = example(name="常連さん")

    name: Name | None = None


class TagRead(Read):
    """A label for customers, of the brand or of one store."""

    id: TagId
    name: str
    store_id: StoreId | None
    created_at: Instant


class TagPut(Body):
    """Until when a customer carries a tag."""

    model_config = example(expires_at="2026-12-31T15:00:00Z")

    expires_at: Annotated[
        Instant | None, Field(description="When it comes off by itself, within a minute; null is never.")
    ] = None


class CarriedRead(Read):
    """A tag on a customer: since when, by whom and until when."""

    tag_id: TagId
    name: str
    store_id: Annotated[StoreId | None, Field(description="The store that owns the tag; null is the brand.")]
    source: Annotated[
        str | None, Field(description="Who put it on: `api`, `import`, `line`, or `auto:` and the auto-tag's id.")
    ]
    tagged_at: Instant
    expires_at: Instant | None
