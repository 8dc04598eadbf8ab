"""Who is held out, for one person at a time: the same people as the freeze of a run chooses by its salt."""

from hashlib import md5
from uuid import UUID


def is_held_out(customer_id: UUID, ratio: float, salt: str) -> bool:
    """Whether a person is one of those whom a salt holds out; always the same answer for the same salt and ratio."""
    digest = md5(f"{salt}{customer_id}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:2]) < ratio * 65_536
