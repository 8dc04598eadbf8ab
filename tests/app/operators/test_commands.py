"""noren brand …, noren operator …: the life of a brand by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.audit.models import AuditEntry
from app.settings import get_settings
from tests.app.operators.conftest import id_of
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

Noren = Callable[..., Any]


def run(noren: Noren, *arguments: str) -> Any:
    """What a command that goes well answers."""
    result = noren(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_key_made_by_hand_opens_the_operators_api_until_it_is_revoked(noren: Noren, api: TestClient) -> None:
    made = run(noren, "operator", "create", "当直", "--expires", "2099-01-01T00:00:00+09:00")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert api.get("/operator/v1/brands", headers=headers).status_code == 200
    (listed,) = [one for one in run(noren, "operator", "list") if one["id"] == made["id"]]
    assert (listed["name"], listed["expires_at"]) == ("当直", "2098-12-31T15:00:00Z")
    assert made["key"] not in json.dumps(listed)
    assert run(noren, "operator", "revoke", made["id"])["revoked_at"] is not None
    assert api.get("/operator/v1/brands", headers=headers).status_code == 401


def test_a_brand_is_made_with_client_and_admin(noren: Noren, api: TestClient) -> None:
    made = run(noren, "brand", "create", "のれん食堂", "--client", "本部", "--admin-email", "Sato@example.jp")
    auth = (made["client"]["client_id"], made["client"]["client_secret"])
    assert api.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth).status_code == 200
    assert "/console/invitations/" in made["admin"]["invitation_url"]
    assert run(noren, "brand", "show", made["id"])["name"] == "のれん食堂"
    assert made["id"] in [one["id"] for one in run(noren, "brand", "list")]


def test_a_whole_life(noren: Noren, home: BrandHome, tmp_path: Path) -> None:
    brand = id_of(home)
    assert run(noren, "brand", "suspend", brand, "--reason", "未払い")["status"] == "suspended"
    assert run(noren, "brand", "resume", brand)["status"] == "active"
    run(noren, "brand", "suspend", brand, "--reason", "解約")
    written = run(noren, "brand", "export", brand, "--out", str(tmp_path / "brand.zip"))
    assert Path(written["file"]).stat().st_size == written["bytes"]
    with ZipFile(written["file"]) as archive:
        assert "manifest.json" in archive.namelist()
    with home.open() as session:
        told = [(one.action, one.caller_kind) for one in session.exec(select(AuditEntry).order_by("id"))]
    verbs = ("suspend_brand", "resume_brand", "suspend_brand", "export_brand")
    assert told == [(verb, "operator") for verb in verbs]
    deleted = run(noren, "brand", "delete", brand, "--confirm", "のれん食堂", "--forgotten-after", "0")
    assert (deleted["brand_id"], deleted["rows"]["brand"]) == (brand, 1)
    (receipt,) = [one for one in run(noren, "brand", "deletions") if one["brand_id"] == brand]
    assert receipt == deleted | {"intact": True}
    assert noren("brand", "show", brand).exit_code == 1


def test_purge_deletes_what_was_marked_over_http(noren: Noren, home: BrandHome, operate: Callable[..., Any]) -> None:
    operate("POST", f"/brands/{id_of(home)}/suspend", json={"reason": "解約"})
    operate("POST", f"/brands/{id_of(home)}/delete", json={"confirm": "のれん食堂"})
    receipts = run(noren, "brand", "purge", "--forgotten-after", "0")
    assert id_of(home) in [one["brand_id"] for one in receipts]
    assert run(noren, "brand", "purge", "--forgotten-after", "0") == []


def test_an_export_overwrites_nothing(noren: Noren, home: BrandHome, tmp_path: Path) -> None:
    (tmp_path / "brand.zip").write_text("mine")
    result = noren("brand", "export", id_of(home), "--out", str(tmp_path / "brand.zip"))
    assert (result.exit_code, (tmp_path / "brand.zip").read_text()) == (1, "mine")
    assert "exists already" in result.output
    result = noren("brand", "export", id_of(home), "--out", str(tmp_path / "no" / "brand.zip"))
    assert (result.exit_code, "cannot be written" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "brand_01h455vb4pex5vsknk084sn02q"], "There is no such brand."),
        (["resume", "BRAND"], "The brand is active; only a suspended one can be resumed."),
        (["delete", "BRAND", "--confirm", "のれん食堂"], "The brand is active; suspend it first."),
        (["export", "brand_01h455vb4pex5vsknk084sn02q", "--out", "/tmp/never.zip"], "There is no such brand."),
    ],
)
def test_what_goes_wrong_is_one_line(noren: Noren, home: BrandHome, arguments: list[str], says: str) -> None:
    result = noren("brand", *(id_of(home) if one == "BRAND" else one for one in arguments))
    assert (result.exit_code, result.output) == (1, f"Error: {says}\n")


def test_the_wrong_name_deletes_nothing(noren: Noren, home: BrandHome) -> None:
    run(noren, "brand", "suspend", id_of(home), "--reason", "解約")
    result = noren("brand", "delete", id_of(home), "--confirm", "別の食堂")
    assert (result.exit_code, result.output) == (1, "Error: confirm: Must be the brand's name, to the letter.\n")
    assert run(noren, "brand", "show", id_of(home))["status"] == "suspended"


def test_deleting_without_the_owner_role_says_what_is_missing(
    noren: Noren, home: BrandHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(noren, "brand", "suspend", id_of(home), "--reason", "解約")
    monkeypatch.delenv("NOREN_OWNER_DATABASE_URL")
    get_settings.cache_clear()
    result = noren("brand", "delete", id_of(home), "--confirm", "のれん食堂")
    assert (result.exit_code, "NOREN_OWNER_DATABASE_URL" in result.output) == (1, True)
    assert run(noren, "brand", "show", id_of(home))["status"] == "suspended"


@pytest.mark.parametrize(
    "arguments",
    [
        ["brand", "create", "x", "--admin-email", "nobody"],
        ["brand", "show", "x"],
        ["brand", "suspend", "brand_01h455vb4pex5vsknk084sn02q"],
        ["brand", "suspend", "brand_01h455vb4pex5vsknk084sn02q", "--reason", " "],
        ["operator", "create", "x", "--expires", "2001-01-01T00:00:00Z"],
        ["operator", "create", "x", "--expires", "2099-01-01T00:00:00"],
        ["operator", "create", ""],
        ["operator", "revoke", "x"],
    ],
)
def test_what_makes_no_sense_is_refused(noren: Noren, arguments: list[str]) -> None:
    result = noren(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
