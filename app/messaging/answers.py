"""What LINE's answers to a send mean. Branches on status codes: error texts are not contractual."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from app.line.errors import storable


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
    NOT_ASKED = auto()
    """LINE does not answer just now, so this try was not made."""
    HALTED = auto()
    """Somebody stopped the sending, so this try was not made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it means, LINE's request id, and a detail for the log and the record."""

    meaning: Meaning
    request_id: str | None = None
    detail: str = ""
    about_recipient: bool = False
    status: int | None = None
    """Of an answer that is no success, for the log."""
    was_unclear: bool = False
    """Whether the answer to an earlier try was not clear."""

    @property
    def may_have_arrived(self) -> bool:
        """Whether LINE may have taken the message, though it did not say so."""
        return self.was_unclear or self.meaning is Meaning.UNCLEAR


_RECIPIENT = re.compile(rb"property, '?to\b|\"property\":\s*\"to\b|Failed to send messages")


def judge(status: int, request_id: str | None, accepted_request_id: str | None, body: bytes) -> Answer:
    """The meaning of an answer. One without LINE's request id came from something between us and LINE."""
    if status == 409 and (accepted_request_id or request_id):
        return Answer(Meaning.DONE, accepted_request_id or request_id)
    if request_id is None or status >= 500 or 300 <= status < 400:
        return Answer(Meaning.UNCLEAR, request_id, f"status {status}", status=status)
    if 200 <= status < 300:
        return Answer(Meaning.DONE, request_id)
    detail = f"status {status}: {storable(body[:200].decode('utf-8', 'replace'))}"
    about_recipient = False
    if status == 429:
        meaning = Meaning.MONTH_SPENT if b"monthly limit" in body else Meaning.SLOW_DOWN
    elif status == 401:
        meaning = Meaning.UNAUTHORIZED
    elif status in (400, 413):
        meaning, about_recipient = Meaning.INVALID, _RECIPIENT.search(body) is not None
    else:
        meaning = Meaning.REFUSED
    return Answer(meaning, request_id, detail, about_recipient, status)
