"""What LINE's answers mean to a sender."""

import pytest

from app.messaging.answers import Meaning, judge


@pytest.mark.parametrize(
    ("status", "request_id", "body", "meaning"),
    [
        (200, "r", b"{}", Meaning.DONE),
        (409, "r", b'{"message":"The retry key is already accepted"}', Meaning.DONE),
        (200, None, b"<html>login</html>", Meaning.UNCLEAR),
        (409, None, b"<html>conflict</html>", Meaning.UNCLEAR),
        (307, "r", b"", Meaning.UNCLEAR),
        (500, "r", b"", Meaning.UNCLEAR),
        (429, "r", b'{"message":"You have reached your monthly limit."}', Meaning.MONTH_SPENT),
        (429, "r", b'{"message":"The API rate limit has been exceeded. Try again later."}', Meaning.SLOW_DOWN),
        (401, "r", b"{}", Meaning.UNAUTHORIZED),
        (403, "r", b"{}", Meaning.REFUSED),
        (400, "r", b"{}", Meaning.INVALID),
    ],
)
def test_every_kind_of_answer_has_one_meaning(
    status: int, request_id: str | None, body: bytes, meaning: Meaning
) -> None:
    assert judge(status, request_id, None, body).meaning is meaning


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":"The property, to[1], in the request body is invalid (line: -, column: -)"}',
        b'{"message":"The property, \'to\', in the request body is invalid (line: -, column: -)"}',
        b'{"message":"Failed to send messages"}',
    ],
)
def test_a_400_about_a_recipient_is_told_from_one_about_the_message(body: bytes) -> None:
    assert judge(400, "r", None, body).about_recipient
    message = b'{"message":"The request body has 1 error(s)","details":[{"property":"messages[0].text"}]}'
    assert not judge(400, "r", None, message).about_recipient
