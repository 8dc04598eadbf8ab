"""What callers hear while the database is away."""

from fastapi.testclient import TestClient

from app.keys import new_secret
from app.main import create_app
from app.settings import Settings
from tests.conftest import MASTER_KEYS


def test_a_database_that_goes_away_is_503_everywhere(settings: Settings) -> None:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        nowhere = Settings(database_url="postgresql://noren_app@127.0.0.1:9/noren", master_keys=MASTER_KEYS)
        from app.database import make_engine

        assert nowhere.database_url is not None
        client.app.state.engine.dispose()  # type: ignore[attr-defined]
        client.app.state.engine = make_engine(nowhere.database_url.get_secret_value(), pool_size=2)  # type: ignore[attr-defined]
        for path in ("/readyz", "/v1/me"):
            answer = client.get(path, headers={"Authorization": f"Bearer {new_secret('token')}"})
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable"), path
