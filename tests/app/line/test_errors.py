"""LINE's refusals, told apart."""

import pytest

from app.line.errors import LineQuotaSpent, LineRateLimited, LineRefused, LineUnavailable, read_error


def test_the_two_kinds_of_429_are_told_apart() -> None:
    assert isinstance(read_error(429, b'{"message":"You have reached your monthly limit."}'), LineQuotaSpent)
    rate = b'{"message":"The API rate limit has been exceeded. Try again later."}'
    assert isinstance(read_error(429, rate), LineRateLimited)
    assert isinstance(read_error(429, b"<html>slow down</html>"), LineRateLimited)


@pytest.mark.parametrize("status", [0, 301, 500, 502, 503])
def test_what_is_no_answer_of_lines_leaves_it_open_whether_it_was_done(status: int) -> None:
    assert isinstance(read_error(status, b"<html>"), LineUnavailable)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"Not found"}', "Not found"),
        (b'{"error":"invalid_request","error_description":"Invalid \'client_credentials\'."}',
         "Invalid 'client_credentials'."),
        (b"", ""),
        (b"[]", ""),
        (b'{"message":7}', ""),
        (b"\xff\xfe", ""),
    ],
)  # fmt: skip
def test_a_refusal_carries_lines_words(body: bytes, message: str) -> None:
    error = read_error(400, body)
    assert isinstance(error, LineRefused)
    assert (error.status, error.message) == (400, message)
