"""The API's page stands on our own files."""

import hashlib
import json

import pytest
from fastapi.testclient import TestClient

from app.docs_page import STATIC


def test_the_address_itself_leads_to_the_page(api: TestClient) -> None:
    answer = api.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


def test_the_page_names_no_other_host(api: TestClient) -> None:
    page = api.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("<!doctype html>", "")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-start.js"])
def test_its_files_are_served(api: TestClient, name: str) -> None:
    assert api.get(f"/static/{name}").status_code == 200


def test_no_other_file_is_served(api: TestClient) -> None:
    for name in ("vendored.json", "..%2Fmain.py", "nothing.js"):
        assert api.get(f"/static/{name}").status_code == 404


def test_vendored_files_are_what_the_manifest_says() -> None:
    for one in json.loads((STATIC / "vendored.json").read_text()):
        assert hashlib.sha256((STATIC / one["file"]).read_bytes()).hexdigest() == one["sha256"]
