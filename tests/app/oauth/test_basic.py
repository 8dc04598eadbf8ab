"""What comes in an Authorization header at /oauth: read as it should be, or refused as a wrong credential."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from app.oauth.basic import read_basic
from tests.app.oauth.calls import GRANT, assert_refused, new_client
from tests.conftest import BrandHome


def basic(credentials: bytes) -> bytes:
    return b"Basic " + b64encode(credentials)


def ask_with(api: TestClient, *headers: bytes, path: str = "/oauth/token") -> Response:
    answer: Response = api.post(
        path, data={**GRANT, "token": "x"}, headers=[(b"Authorization", header) for header in headers]
    )
    return answer


def test_a_client_may_write_its_credentials_percent_encoded(api: TestClient, home: BrandHome) -> None:
    client_id, secret = new_client(home)
    encoded = f"{quote(client_id, safe='')}:{''.join(f'%{ord(letter):02X}' for letter in secret)}"
    assert ask_with(api, basic(encoded.encode())).status_code == 200


@pytest.mark.parametrize("scheme", [b"basic", b"BASIC", b"Basic  "])
def test_the_scheme_has_no_case_and_spaces_are_free(api: TestClient, home: BrandHome, scheme: bytes) -> None:
    credentials = b64encode(":".join(new_client(home)).encode())
    assert ask_with(api, scheme + b" " + credentials).status_code == 200


def test_padding_may_be_left_out(api: TestClient, home: BrandHome) -> None:
    credentials = b64encode(":".join(new_client(home)).encode()).rstrip(b"=")
    assert ask_with(api, b"Basic " + credentials).status_code == 200


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize(
    "headers",
    [
        [b"Basic"], [b"Basic "], [b"Basic !!!"], [b"Basic ="], [b"Basic \xe9\xe9"], [b"Bearer abc"], [b"Digest x"],
        [basic(b"\xff\xfe:\xff")], [basic(b"nocolon")], [basic(b":")], [basic(b"id:")], [basic(b":secret")], [b","],
        [basic(b"client_%00:%ff%fe")], [basic(b"%zz:%")], [basic(b"a\x00b:c\x00d")], [b"Basic " + b"A" * 9000],
        [basic("ストア:鍵".encode())], [basic("ストア:鍵".encode("shift_jis"))], [basic(b"a:b") + b" trailing"],
    ],
)  # fmt: skip
def test_an_odd_header_is_a_wrong_credential(api: TestClient, path: str, headers: list[bytes]) -> None:
    assert_refused(ask_with(api, *headers, path=path), "invalid_client", 401)


def test_two_headers_are_a_wrong_credential_even_if_both_are_good(api: TestClient, home: BrandHome) -> None:
    good = basic(":".join(new_client(home)).encode())
    assert_refused(ask_with(api, good, good), "invalid_client", 401)
    assert_refused(ask_with(api, good, b"Basic x"), "invalid_client", 401)


ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=60).map(basic),
    st.text(max_size=40).map(lambda text: basic(text.encode("utf-8", "surrogatepass"))),
    st.tuples(st.sampled_from([b"Basic", b"basic", b"Bearer", b""]), st.binary(max_size=60)).map(b" ".join),
    st.lists(st.sampled_from([b"%", b":", b"client_", b"%00", b"%E3%81", b"\xff", b"=", b"+", b"%252"])).map(
        lambda parts: basic(b"".join(parts))
    ),
)


@given(header=ANYTHING)
@example(header=b"Basic " + b"=" * 400)
@settings(max_examples=300, deadline=None)
def test_reading_a_header_gives_two_texts_or_a_value_error(header: bytes) -> None:
    try:
        found = read_basic(Headers(raw=[(b"authorization", header)]))
    except ValueError:
        return
    assert found is not None
    assert all(found)


@given(header=ANYTHING.filter(lambda header: not set(header) & set(b"\r\n\x00") and header.strip() == header != b""))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_is_answered_otherwise_than_by_invalid_client(api: TestClient, header: bytes) -> None:
    assert_refused(ask_with(api, header), "invalid_client", 401)
