"""Whether a call comes from LINE."""

from hypothesis import given
from hypothesis import strategies as st

from app.line.signature import is_signed

SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
BODY = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
SIGNATURE = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="


def test_the_signature_of_lines_own_documentation_is_right() -> None:
    assert is_signed(SECRET, BODY, SIGNATURE)
    assert is_signed(SECRET.encode(), BODY, SIGNATURE)


def test_no_signature_is_wrong() -> None:
    assert not is_signed(SECRET, BODY, None)
    assert not is_signed(SECRET, BODY, "")


def test_another_spelling_of_the_same_bytes_is_wrong() -> None:
    assert not is_signed(SECRET, BODY, SIGNATURE.rstrip("="))
    assert not is_signed(SECRET, BODY, SIGNATURE.replace("Ls=", "Lt="))
    assert not is_signed(SECRET, BODY, SIGNATURE + "\n")


@given(body=st.binary(max_size=200))
def test_any_other_body_is_wrong(body: bytes) -> None:
    assert is_signed(SECRET, body, SIGNATURE) == (body == BODY)


@given(signature=st.text(max_size=60))
def test_any_other_signature_is_wrong(signature: str) -> None:
    assert is_signed(SECRET, BODY, signature) == (signature == SIGNATURE)
