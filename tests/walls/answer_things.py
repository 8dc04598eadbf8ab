"""What answers people by itself."""

from uuid import UUID

from app.auto_replies.models import AutoReply
from tests.walls.making import HEAD_OFFICE, Made, Thing


def _auto_reply(made: Made) -> UUID:
    auto_reply = AutoReply(
        name=made.name,
        trigger={"keywords": ["雨"], "match": "exact", "postbacks": []},
        messages=[{"type": "text", "text": "こんにちは"}],
        otherwise_messages=[{"type": "text", "text": "雨の日にどうぞ"}],
    )
    made.session.add(auto_reply)
    made.session.flush()
    return auto_reply.id


THINGS = {"arep": Thing(_auto_reply, frozenset({HEAD_OFFICE}))}
