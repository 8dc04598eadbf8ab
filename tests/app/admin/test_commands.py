"""noren brand create, noren client create."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.admin import commands as client_commands
from app.database import Urls
from app.operators import commands
from app.settings import get_settings
from tests.conftest import MASTER_KEYS


@pytest.fixture
def noren(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[typer.Typer]:
    """The command line over the tests' database."""
    monkeypatch.setenv("NOREN_DATABASE_URL", urls.app)
    monkeypatch.setenv("NOREN_OWNER_DATABASE_URL", urls.owner)
    monkeypatch.setenv("NOREN_MASTER_KEYS", MASTER_KEYS)
    get_settings.cache_clear()
    cli = typer.Typer()
    commands.register(cli)
    client_commands.register(cli)
    yield cli
    get_settings.cache_clear()


def _run(cli: typer.Typer, *arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def test_a_brand_and_its_client_are_made_by_hand(noren: typer.Typer, api: TestClient) -> None:
    brand = _run(noren, "brand", "create", "のれん食堂", "--timezone", "Asia/Seoul")
    client = _run(noren, "client", "create", "--brand", brand["id"], "--name", "本部")
    form = {"grant_type": "client_credentials"}
    token = api.post("/oauth/token", data=form, auth=(client["client_id"], client["client_secret"])).json()
    me = api.get("/v1/me", headers={"Authorization": f"Bearer {token['access_token']}"}).json()
    assert me["brand"] == {"id": brand["id"], "name": "のれん食堂"}
    assert me["permissions"] == client["permissions"]


def test_a_client_may_get_some_permissions_only(noren: typer.Typer) -> None:
    brand = _run(noren, "brand", "create", "のれん食堂")
    named = ["--brand", brand["id"], "--name", "x", "--permissions", "stores:read,brand:read"]
    assert _run(noren, "client", "create", *named)["permissions"] == ["brand:read", "stores:read"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["brand", "create", " "],
        ["brand", "create", "x", "--timezone", "Mars"],
        ["client", "create", "--brand", "brand_01h455vb4pex5vsknk084sn02q", "--name", "x"],
        ["client", "create", "--brand", "x", "--name", "x"],
        ["client", "create", "--name", "x"],
    ],
)
def test_what_makes_no_sense_is_a_clear_line_and_not_a_trace(noren: typer.Typer, arguments: list[str]) -> None:
    result = CliRunner().invoke(noren, arguments)
    assert result.exit_code == 2
    assert "Error" in result.output
    assert "Traceback" not in result.output
