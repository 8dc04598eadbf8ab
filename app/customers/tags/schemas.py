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
