"""An export holds every row of one brand, of one moment, without its secrets."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import Connection, Engine, LargeBinary

from app.database import Urls
from app.operators import export
from app.operators.deletion import list_brand_tables
from tenants.ids import uuid7
from tenants.problems import NotFound
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.app.inbound.calls import open_channel
from tests.app.operators.conftest import Furnish
from tests.app.operators.furnished import count_rows
from tests.conftest import BrandHome

ROOT = Path(__file__).parents[3]


def read(file: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The manifest, and the rows of each table."""
    with ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        rows = {
            name: [json.loads(line) for line in archive.read(told["file"]).splitlines()]
            for name, told in manifest["tables"].items()
        }
    return manifest, rows


def test_every_row_of_every_table_is_in_it_and_none_of_another_brand(
    home: BrandHome, other_home: BrandHome, engine: Engine, admin: Connection, tmp_path: Path, furnish: Furnish
) -> None:
    for one in (home, other_home):
        furnish(one, rows=2)
    export.export_brand(engine, home.scope.brand_id, tmp_path / "brand.zip", utc_now())
    manifest, rows = read(tmp_path / "brand.zip")
    expected = count_rows(admin, home.scope.brand_id)
    assert set(manifest["tables"]) == {str(table.name) for table in list_brand_tables()} - set(export.UNTOLD)
    assert {name: len(found) for name, found in rows.items()} == {name: expected[name] for name in rows}
    mine = str(home.scope.brand_id)
    assert all(row["id" if name == "brand" else "brand_id"] == mine for name, found in rows.items() for row in found)


def test_the_manifest_tells_counts_digests_revision_and_what_was_left_out(
    home: BrandHome, engine: Engine, admin: Connection, tmp_path: Path, furnish: Furnish
) -> None:
    furnish(home)
    told = export.export_brand(engine, home.scope.brand_id, tmp_path / "brand.zip", utc_now())
    manifest, _ = read(tmp_path / "brand.zip")
    assert manifest == json.loads(json.dumps(told))
    with ZipFile(tmp_path / "brand.zip") as archive:
        for one in manifest["tables"].values():
            content = archive.read(one["file"])
            assert (one["sha256"], one["bytes"]) == (sha256(content).hexdigest(), len(content))
    assert manifest["schema_revision"] == admin.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    assert len(bytes.fromhex(manifest["audit_chain"]["hash"])) == 16  # as the furnished seal has it
    assert set(manifest["tables"]["line_account"]["columns_left_out"]) == {
        "sealed_login_secret",
        "sealed_previous_secret",
        "sealed_secret",
    }
    secret = {str(t.name): [c.name for c in t.c if isinstance(c.type, LargeBinary)] for t in list_brand_tables()}
    assert {name: one["columns_left_out"] for name, one in manifest["tables"].items()} == {
        name: columns for name, columns in secret.items() if name in manifest["tables"]
    }


def test_no_secret_is_in_it(home: BrandHome, engine: Engine, keyring: Keyring, tmp_path: Path) -> None:
    with home.open() as session:
        key = make.store_key(session, make.store(session))
        channel = open_channel(session, keyring, make.store(session))
        session.commit()
    export.export_brand(engine, home.scope.brand_id, tmp_path / "brand.zip", utc_now())
    with ZipFile(tmp_path / "brand.zip") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    for secret in (key, home.token, channel.secret):
        assert secret.encode() not in content
        assert sha256(secret.encode()).hexdigest().encode() not in content


def test_the_file_is_its_owners_alone_and_appears_when_it_is_whole(
    home: BrandHome, engine: Engine, tmp_path: Path
) -> None:
    target = tmp_path / "brand.zip"
    with pytest.raises(NotFound):
        export.export_brand(engine, uuid7(), target, utc_now())
    assert list(tmp_path.iterdir()) == []
    export.export_brand(engine, home.scope.brand_id, target, utc_now())
    assert [one.name for one in tmp_path.iterdir()] == ["brand.zip"]
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow(seconds=30)
def test_memory_does_not_grow_with_the_brand(
    home: BrandHome, admin: Connection, urls: Urls, tmp_path: Path, furnish: Furnish
) -> None:
    furnish(home, rows=0)
    peaks = []
    program = (
        "import resource, sys; from pathlib import Path; from uuid import UUID\n"
        "from app.database import make_engine; from app.operators.export import export_brand\n"
        "from tenants.tables import utc_now\n"
        "export_brand(make_engine(sys.argv[1]), UUID(sys.argv[2]), Path(sys.argv[3]), utc_now())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    for rows in (1_000, 150_000):
        admin.exec_driver_sql(
            "INSERT INTO event (brand_id, id, created_at, type, occurred_at, data, dedupe_key, feed_no)"
            " SELECT %s, gen_random_uuid(), now(), 'message.received', now(),"
            " jsonb_build_object('text', repeat('あ', 300)), gen_random_uuid()::text, no"
            " FROM generate_series(%s::int, %s::int) AS no",
            (home.scope.brand_id, rows, rows + rows),
        )
        admin.commit()
        arguments = [sys.executable, "-c", program, urls.app, str(home.scope.brand_id), str(tmp_path / f"{rows}.zip")]
        done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
        peaks.append(int(done.stdout))
    small, large = peaks
    assert large < small * 1.15, f"{small} KB for a thousand rows, {large} KB for 150 times as many"
