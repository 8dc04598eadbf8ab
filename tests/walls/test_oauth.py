"""What OAuth's operations tell a client of tokens and clients that are not its own: what they tell of none."""

from base64 import b64encode
from dataclasses import dataclass

import pytest

from app.keys import new_secret
from tenants.ids import encode_id
from tests import make
from tests.document import document
from tests.walls.calls import Answer, Request
from tests.walls.document import Document
from tests.walls.matrix import Matrix
from tests.walls.world import Place, new_id

TRIED = {"POST /oauth/token", "POST /oauth/revoke", "POST /oauth/introspect"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Client:
    """A client of a brand, its secret, and a token of its own."""

    id: str
    secret: str
    token: str


def new_client(matrix: Matrix, place: Place) -> Client:
    with place.open() as session:
        row, secret = make.api_client(session)
    client_id = encode_id("client", row.id)
    answer = ask(matrix, "token", client_id, secret, grant_type="client_credentials")
    assert answer.is_done, answer
    return Client(client_id, secret, answer.json()["access_token"])


def ask(matrix: Matrix, verb: str, client_id: str, secret: str, **form: str) -> Answer:
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    request = Request("POST", f"/oauth/{verb}", body=form, media_type=FORM)
    return matrix.calls.send(request, authorization=f"Basic {basic}")


def works(matrix: Matrix, token: str) -> bool:
    return matrix.calls.send(Request("GET", "/v1/me"), authorization=f"Bearer {token}").is_done


def test_every_operation_is_tried() -> None:
    names = Document(document()).list_names()
    assert {name for name in names if " /oauth/" in name} == TRIED


@pytest.mark.parametrize("verb", ["introspect", "revoke"])
def test_anothers_token_is_answered_as_a_made_up_one(verb: str, matrix: Matrix) -> None:
    mine, theirs = new_client(matrix, matrix.world.office), new_client(matrix, matrix.world.their_office)
    answers = [ask(matrix, verb, mine.id, mine.secret, token=token) for token in (new_secret("token"), theirs.token)]
    assert answers[0].status == 200
    assert answers[0].exactly() == answers[1].exactly()
    assert works(matrix, theirs.token)


@pytest.mark.parametrize("verb", ["token", "introspect", "revoke"])
def test_anothers_client_is_answered_as_a_made_up_one(verb: str, matrix: Matrix) -> None:
    mine, theirs = new_client(matrix, matrix.world.office), new_client(matrix, matrix.world.their_office)
    form = {"grant_type": "client_credentials"} if verb == "token" else {"token": theirs.token}
    answers = [ask(matrix, verb, client_id, mine.secret, **form) for client_id in (new_id("client"), theirs.id)]
    assert answers[0].status == 401
    assert answers[0].exactly() == answers[1].exactly()


@pytest.mark.parametrize("verb", ["introspect", "revoke"])
def test_a_token_is_no_client(verb: str, matrix: Matrix) -> None:
    mine = new_client(matrix, matrix.world.office)
    request = Request("POST", f"/oauth/{verb}", body={"token": mine.token}, media_type=FORM)
    assert matrix.calls.send(request, authorization=f"Bearer {mine.token}").status == 401
    assert works(matrix, mine.token)
