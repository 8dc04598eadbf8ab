"""Notes as they cross the wire."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.schemas import Body, CustomerId, CustomerNoteId, Instant, NotNull, Read, StoreId, example


def _cleaned(value: str) -> str:
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise ValueError("must not be empty")
    if any(not letter.isprintable() and letter not in "\n\t\u3000\u00a0" for letter in text if letter < "\u00ad"):
        raise ValueError("must not hold control characters")
    return text


NoteText = Annotated[
    str, Field(min_length=1, max_length=2000, examples=["窓際の席がお好み。"]), AfterValidator(_cleaned)
]


class NoteCreate(Body):
    """Something to remember about a customer. Of a store's key it is the store's; else head office's."""

    model_config = example(text="窓際の席がお好み。辛いものは苦手。")

    text: NoteText
    store_id: Annotated[StoreId | None, Field(description="The store whose note it is; null is head office.")] = None


class NoteUpdate(Body):
    """What may change of a note."""

    model_config = example(text="窓際の席がお好み。")

    text: Annotated[NoteText | None, NotNull()] = None


class NoteRead(Read):
    """A note about a customer."""

    id: CustomerNoteId
    customer_id: CustomerId
    store_id: StoreId | None
    text: str
    author: str | None = Field(description="Who wrote it: the name of the caller.")
    created_at: Instant
    updated_at: Instant
