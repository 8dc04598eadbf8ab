"""Templates of messages on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from app.schemas import (
    Body,
    Flag,
    Instant,
    MessageTemplateId,
    Name,
    NotNull,
    Read,
    StoreId,
    example,
)

BlockName = Annotated[
    str,
    Field(
        pattern="^[a-z][a-z0-9_]{0,39}$",
        description="As messages name it: `{{ block.greeting }}`.",
        examples=["greeting"],
    ),
]
BlockKind = Annotated[
    Literal["text", "image", "url"],
    Field(description="`image`: an https address of an image; `url`: any that LINE opens."),
]
BlockValue = Annotated[str, Field(min_length=1, max_length=5000)]
Use = Annotated[Literal["campaign", "weather", "greeting", "other"], Field(description="What it is meant for.")]
Messages = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=5)]


class Block(Body):
    """A part of the messages that stores may word their own way."""

    model_config = example(name="greeting", kind="text", default="いつもありがとうございます。", may_override=True)

    name: BlockName
    kind: BlockKind = "text"
    default: Annotated[BlockValue, Field(description="What stands there until a store says otherwise.")]
    may_override: Annotated[Flag, Field(description="False: only head office words it, for a store too.")] = True


def _no_twins(blocks: list[Block]) -> list[Block]:
    if len({block.name for block in blocks}) < len(blocks):
        raise ValueError("must not name a block twice")
    return blocks


Blocks = Annotated[list[Block], Field(max_length=20), AfterValidator(_no_twins)]


class MessageTemplateCreate(Body):
    """Messages to start from."""

    model_config = example(
        name="週末のご案内",
        messages=[{"type": "text", "text": "{{ store.name }}です。{{ block.greeting }}"}],
        blocks=[{"name": "greeting", "kind": "text", "default": "いつもありがとうございます。", "may_override": True}],
    )

    name: Name
    use: Use = "campaign"
    messages: Messages
    blocks: Blocks = Field(default_factory=list)
    store_id: StoreId | None = None


class MessageTemplatePatch(Body):
    """What may change. `messages` and `blocks` replace what stands; what stores worded of a block that stays, stays."""

    model_config = example(name="週末と祝日のご案内")

    name: Annotated[Name | None, NotNull()] = None
    use: Annotated[Use | None, NotNull()] = None
    messages: Annotated[Messages | None, NotNull()] = None
    blocks: Annotated[Blocks | None, NotNull()] = None


class BlockRead(Read):
    """A block, and what stands there by default."""

    name: str
    kind: BlockKind
    default: str
    may_override: bool


class MessageTemplateRead(Read):
    """Messages to start from."""

    id: MessageTemplateId
    name: str
    use: Use
    messages: list[dict[str, Any]]
    blocks: list[BlockRead]
    store_id: StoreId | None
    created_at: Instant


class BlockPut(Body):
    """How a store words a block."""

    model_config = example(value="渋谷店の新メニューができました。")

    value: BlockValue
    store_id: Annotated[StoreId | None, Field(description="Which store; of a key of one store, its own.")] = None


class StoreBlockRead(Read):
    """A block as it stands at one store, or by default."""

    store_id: StoreId | None
    name: str
    value: str
    is_own: Annotated[bool, Field(description="Whether the store words it; false: the template's default.")]


class PreviewBody(Body):
    """For which store to show the messages."""

    model_config = example(store_id="store_01h45ytscbebvvd2p2p7z0g7v1")

    store_id: Annotated[StoreId | None, Field(description="Null: as where no store stands behind a person.")] = None


class PreviewRead(Read):
    """Messages as people of a store would get them; what is each person's own is shown by a sample."""

    messages: list[dict[str, Any]] | None
    detail: Annotated[
        str | None,
        Field(description="Why nothing could be sent for this store.", examples=["There is no store.phone."]),
    ]
