"""Images on the wire."""

from typing import Annotated

from pydantic import Field

from app.schemas import Body, Instant, MediaId, Name, NotNull, Read, StoreId, example


class MediaPatch(Body):
    """What may change."""

    model_config = example(name="秋の新作")

    name: Annotated[Name | None, NotNull()] = None


class ImagemapRead(Read):
    """What an imagemap message needs of it."""

    base_url: Annotated[str, Field(examples=["https://crm.example.jp/media/0bT4…"])]
    width: Annotated[int, Field(examples=[1040])]
    height: Annotated[int, Field(examples=[585])]


class MediaRead(Read):
    """An image. Its addresses are for everybody who knows them, and stay."""

    id: MediaId
    name: str
    media_type: Annotated[str, Field(examples=["image/jpeg"])]
    width: int
    height: int
    size_bytes: Annotated[int, Field(description="Of all its sizes, as they count towards the brand's room.")]
    url: Annotated[str, Field(description="For `originalContentUrl`, templates and flex.")]
    preview_url: Annotated[str, Field(description="For `previewImageUrl`: at most 1 MB.")]
    imagemap: Annotated[ImagemapRead | None, Field(description="Null for strips more than four times as high as wide.")]
    store_id: StoreId | None
    created_at: Instant
