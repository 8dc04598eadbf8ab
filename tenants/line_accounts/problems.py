"""What can go wrong with LINE accounts."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class ChannelTaken(Problem):
    """This channel is registered already."""

    status: ClassVar[int] = 409
    channel_id: str


@dataclass(eq=False)
class ChannelFixed(Problem):
    """The account has friends, so its channel and provider cannot change."""

    status: ClassVar[int] = 409
    detail: str = (
        "LINE's ids of people hold for one provider only; register the other channel as an account of its own."
    )
