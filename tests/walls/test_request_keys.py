"""A kept answer is for those who may still ask for it: the same client's weaker token does not get it."""

import os

from sqlmodel import col, select

from app.keys import digest_of, new_secret
from tenants.api_keys.models import CredentialHash
from tenants.clients.models import AccessToken, ApiClient
from tests import make
from tests.walls.calls import Request
from tests.walls.matrix import Matrix


def test_a_weaker_token_of_the_same_client_gets_no_kept_answer(matrix: Matrix) -> None:
    with matrix.world.office.open() as session:
        strong = make.access_token(session)
        newest = session.exec(select(ApiClient).order_by(col(ApiClient.id).desc()).limit(1)).one()
        until = session.exec(select(AccessToken.expires_at).where(col(AccessToken.api_client_id) == newest.id)).one()
        weaker = AccessToken(api_client_id=newest.id, permissions=["customers:read"], expires_at=until)
        weak = new_secret("token")
        session.add_all([weaker, CredentialHash(digest=digest_of(weak), kind="access_token", credential_id=weaker.id)])
    key = os.urandom(8).hex()
    request = Request("POST", "/v1/tags", body={"name": f"常連 {key}"}, headers={"idempotency-key": key})
    first = matrix.calls.send(request, authorization=f"Bearer {strong}")
    again = matrix.calls.send(request, authorization=f"Bearer {strong}")
    assert (first.status, again.headers["idempotent-replayed"]) == (201, "true")
    refused = matrix.calls.send(request, authorization=f"Bearer {weak}")
    assert (refused.status, "idempotent-replayed" in refused.headers) == (403, False)
