"""What crosses the wire about forwarding."""

from typing import Annotated, Literal

from pydantic import Field

from app.guard import LONGEST_URL
from app.schemas import Body, Flag, Instant, LineForwardCallId, Read, Verbatim, example

State = Literal["waiting", "sent", "dead"]


class ForwardPut(Body):
    """The other tool that gets an account's webhook calls too."""

    model_config = example(url="https://tool.example.jp/line/webhook", active=True)

    url: Annotated[
        str,
        Verbatim,
        Field(min_length=1, max_length=LONGEST_URL, description="Its webhook address, as it stood in LINE's console."),
    ]
    active: Flag = Field(default=True, description="False keeps what waits and sends nothing for the time being.")


class ForwardRead(Read):
    """The other tool, and how it goes."""

    url: str
    active: bool
    waiting: int = Field(description="Calls that it has not taken yet.")
    dead: int = Field(description="Calls that were given up after three days; they can be tried again for 30 more.")
    sent_at: Instant | None = Field(description="When it last took one, to ten seconds.")
    failing_since: Instant | None = Field(description="Since when it takes none; null while all is well.")
    created_at: Instant
    updated_at: Instant


class ForwardCallRead(Read):
    """One webhook call on its way to the other tool. What is in it is not shown."""

    id: LineForwardCallId
    state: State
    received_at: Instant = Field(description="When LINE sent it here.")
    attempts: int
    is_aside: bool = Field(description="Whether those behind it overtake it, as they were taken and it was not.")
    due_at: Instant = Field(description="When it is tried next, if it is the first that waits or stands aside.")
    give_up_at: Instant = Field(description="From then on a failure is the last one.")
    settled_at: Instant | None = Field(description="When it was taken or given up.")
    last_status: int | None = Field(description="What the other tool answered last; null where no answer came.")
    last_error: str | None
