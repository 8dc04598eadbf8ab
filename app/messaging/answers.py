"""What LINE's answers to a send mean. Branches on status codes: error texts are not contractual."""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Meaning(Enum):
    """What to do after an answer."""

    DONE = auto()
    """LINE has taken the message, now or at an earlier try."""
    INVALID = auto()
    """400: a person or the message is malformed; nobody got it."""
    SLOW_DOWN = auto()
    """429: too fast."""
    MONTH_SPENT = auto()
    """429: the month's quota is used up."""
    UNAUTHORIZED = auto()
    """401: the token is dead."""
    REFUSED = auto()
    """Another 4xx: the account may not do this."""
    UNCLEAR = auto()
    """5xx, a time-out, a broken connection, or an answer that is not LINE's: it may have been taken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it means, LINE's request id, and a detail for the log and the record."""

    meaning: Meaning
    request_id: str | None = None
    detail: str = ""
    about_recipient: bool = False


_RECIPIENT = re.compile(rb"property, '?to\b|\"property\":\s*\"to\b|Failed to send messages")


def judge(status: int, request_id: str | None, accepted_request_id: str | None, body: bytes) -> Answer:
    """The meaning of an answer. One without LINE's request id came from something between us and LINE."""
    if status == 409:
        return Answer(Meaning.DONE, accepted_request_id or request_id)
    if request_id is None or status >= 500:
        return Answer(Meaning.UNCLEAR, request_id, f"status {status}")
    if 200 <= status < 300:
        return Answer(Meaning.DONE, request_id)
    detail = f"status {status}: {body[:200].decode('utf-8', 'replace')}"
    if status == 429:
        spent = b"monthly limit" in body
        return Answer(Meaning.MONTH_SPENT if spent else Meaning.SLOW_DOWN, request_id, detail)
    if status == 401:
        return Answer(Meaning.UNAUTHORIZED, request_id, detail)
    if status in (400, 413):
        return Answer(Meaning.INVALID, request_id, detail, _RECIPIENT.search(body) is not None)
    return Answer(Meaning.REFUSED, request_id, detail)
