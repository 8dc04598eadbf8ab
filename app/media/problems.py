"""What can go wrong with an image."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class ImageUnusable(Problem):
    """This is no image that LINE shows."""

    status: ClassVar[int] = 422
    detail: str


@dataclass(eq=False)
class MediaFull(Problem):
    """The brand's images take all the room they have."""

    status: ClassVar[int] = 409
    max_bytes: int
