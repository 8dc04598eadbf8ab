"""Calls that several tests of OAuth make."""

from fastapi.testclient import TestClient
from httpx import Response

from tenants.ids import encode_id
from tests import make
from tests.conftest import BrandHome

GRANT = {"grant_type": "client_credentials"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def new_client(home: BrandHome, permissions: list[str] | None = None) -> tuple[str, str]:
    """Id and secret of a new client, with every permission unless the test says otherwise."""
    with home.open() as session:
        client, secret = make.api_client(session, permissions)
        session.commit()
        return encode_id("client", client.id), secret


def ask(api: TestClient, client: tuple[str, str], **form: str) -> Response:
    """The answer to a client that wants a token."""
    answer: Response = api.post("/oauth/token", data={**GRANT, **form}, auth=client)
    return answer


def get_token(api: TestClient, client: tuple[str, str], **form: str) -> str:
    """A token of this client."""
    answer = ask(api, client, **form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def me(api: TestClient, token: str) -> Response:
    """Who the bearer of this token is."""
    answer: Response = api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    return answer


def assert_refused(answer: Response, error: str, status: int = 400) -> None:
    """The answer is this error in OAuth's shape, and nobody keeps it."""
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"
    if status == 401:
        assert answer.headers["www-authenticate"].startswith('Basic realm="noren"')
