"""An operator's key opens /operator/v1 and nothing else, and nothing else opens that."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.keys import digest_of, new_secret
from tenants.operators import service
from tenants.operators.models import OperatorKey
from tenants.tables import utc_now
from tests import make
from tests.app.operators.conftest import Call
from tests.conftest import BrandHome


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_an_operators_key_is_no_credential_of_a_brand(api: TestClient, operator_token: str) -> None:
    assert api.get("/v1/me", headers=bearer(operator_token)).status_code == 401
    assert api.get("/v1/support-grants", headers=bearer(operator_token)).status_code == 401


def test_a_brands_credentials_are_no_operators(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        key = make.store_key(session, make.store(session))
        session.commit()
    for token in (home.token, key):
        answer = api.get("/operator/v1/brands", headers=bearer(token))
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")


def test_an_unknown_key_is_401(api: TestClient) -> None:
    for token in ("x", new_secret("operator"), new_secret("operator")[:-1] + "!"):
        assert api.get("/operator/v1/brands", headers=bearer(token)).status_code == 401
    assert api.get("/operator/v1/brands").status_code == 401


def test_a_revoked_and_an_expired_key_are_401_at_once(api: TestClient, engine: Engine) -> None:
    now = utc_now()
    for ended in ({"revoked_at": now}, {"expires_at": now - timedelta(seconds=1)}):
        secret = new_secret("operator")
        with Session(engine) as session:
            key = service.create_operator_key(
                session, name="x", prefix=secret[:19], digest=digest_of(secret), expires_at=None
            )
            session.commit()
            assert api.get("/operator/v1/brands", headers=bearer(secret)).status_code == 200
            key.sqlmodel_update(ended)
            session.add(key)
            session.commit()
        assert api.get("/operator/v1/brands", headers=bearer(secret)).status_code == 401


def test_the_last_use_of_a_key_is_noted(operate: Call, operator_token: str, engine: Engine) -> None:
    operate("GET", "/brands")
    with Session(engine) as session:
        wanted = select(OperatorKey.last_used_at).where(col(OperatorKey.digest) == digest_of(operator_token))
        assert session.exec(wanted).one() is not None
