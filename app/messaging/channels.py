"""What a channel must be able to do that messages go out by: the seam at which another one than LINE would be put in.

Freeze, quota, batches, parting and settling know of people, batches and keys, and of no LINE. A further channel is an
implementation of this, a lane kind of its own with a worker's handler that opens it, and an address in place of the
LINE user id that a delivery holds.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from app.messaging.answers import Answer


class Channel(Protocol):
    """Sends as one account. What was taken under a key is not sent under it again, however often it is tried.

    `messages` are in the channel's own form, with all that goes with them.
    """

    async def send_many(self, run_id: UUID, addresses: Sequence[str], messages: bytes, retry_key: UUID) -> Answer:
        """Send the same messages to up to 500 people: to all of them or to none."""

    async def send_one(self, run_id: UUID, address: str, messages: bytes, retry_key: UUID) -> Answer:
        """Send messages to one person."""
