"""The pages say what the code says."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from app.events.facts import TYPES, Fact
from app.main import create_app
from app.messaging.render import VARIABLES
from app.permission_table import COLUMNS, put_table
from app.problem_pages import list_pages
from app.settings import Settings
from tenants.permissions import GRANTABLE_TO_STORES, PERMISSIONS, ROLES, STORE_PERMISSIONS, STORE_ROLES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported() -> None:
    """Classes of problems and facts are known once their modules are."""
    create_app(Settings())


def read(name: str) -> str:
    return (ROOT / name).read_text()


def rows(page: str) -> list[list[str]]:
    """The cells of every row of every table, without headings."""
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")] for line in lines]


def coded(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    told = {coded(row[0])[0]: row[1] for row in rows(read("README.md")) if row[0].startswith("`NOREN_")}
    assert set(told) == {f"NOREN_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        if field.default not in (None, ()) and name != "contact":
            assert coded(told[f"NOREN_{name.upper()}"]) == [default], name


def test_every_type_of_problem_is_on_its_page_as_it_is_served() -> None:
    told = [row for row in rows(read("docs/problems.md")) if row[0].startswith("`")]
    expected = [
        [f"`{page.slug}`", str(page.status), page.title, ", ".join(f"`{name}`" for name in page.members), page.advice]
        for page in list_pages()
    ]
    assert told == expected


def test_the_table_of_permissions_is_what_the_code_means() -> None:
    page = read("docs/permissions.md")
    assert put_table(page) == page, "Run: .venv/bin/python -m app.permission_table"


def test_the_table_of_permissions_says_who_has_each() -> None:
    heading, *told = [row for row in rows(read("docs/permissions.md")) if len(row) == 2 + len(COLUMNS)]
    assert heading[2 : 2 + len(ROLES)] == [f"`{role}`" for role in ROLES]
    assert [coded(row[0])[0] for row in told] == list(PERMISSIONS)
    for row in told:
        (name,) = coded(row[0])
        assert row[1] == PERMISSIONS[name]
        told_of = dict(zip(heading[2:], row[2:], strict=True))
        assert told_of["Store keys have it"] == ("✓" if name in STORE_PERMISSIONS else "")
        assert told_of["Store keys may"] == ("✓" if name in GRANTABLE_TO_STORES else "")
        for role, permissions in ROLES.items():
            assert told_of[f"`{role}`"] == ("✓" if name in permissions else ""), (name, role)


def test_every_role_is_told_with_its_stores() -> None:
    told = {coded(row[0])[0]: row for row in rows(read("docs/staff.md")) if row[0].startswith("`") and len(row) == 3}
    assert list(told) == list(ROLES)
    assert {role for role, row in told.items() if row[2] == "some"} == STORE_ROLES
    assert {role for role, row in told.items() if row[2].startswith("always")} == {"hq_admin"}


def test_every_type_of_event_is_on_its_page_with_its_data() -> None:
    told = {coded(row[0])[0]: row[2] for row in rows(read("docs/events.md")) if row[0].startswith("`")}
    assert list(told) == list(TYPES)
    common = {field.name for field in fields(Fact)}
    recorded = {fact.type: {field.name for field in fields(fact)} - common for fact in list_facts(Fact)}
    above: set[str] = set()
    for kind, cell in told.items():
        if kind not in recorded:
            assert cell == "nothing records it yet", kind
            continue
        named = set(coded(cell))
        if cell.startswith("as above, without"):
            named = above - named
        elif cell.startswith("as above"):
            named |= above
        assert named == recorded[kind], kind
        above = named


def list_facts(kind: type[Fact]) -> Iterator[type[Fact]]:
    """The facts that domains record."""
    for narrower in kind.__subclasses__():
        if hasattr(narrower, "type") and narrower.__module__.startswith("app."):
            yield narrower
        yield from list_facts(narrower)


def test_every_variable_of_messages_is_told() -> None:
    told = [coded(row[0])[0] for row in rows(read("docs/messages.md")) if row[0].startswith("`")]
    assert told == list(VARIABLES)


def test_every_metric_is_told_and_exists() -> None:
    watched = [row for row in rows(read("docs/operations.md")) if len(row) == 4]
    told = {name for row in watched for name in coded(row[0])}
    sources = "\n".join(path.read_text() for path in ROOT.glob("app/**/*.py"))
    assert told == set(re.findall(r"(?:Counter|Gauge|Histogram|GaugeMetricFamily)\(\s*\"(noren_\w+)\"", sources))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in {slug_of(heading) for heading in re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)}


def slug_of(heading: str) -> str:
    """A heading's anchor as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_compose_takes_its_secrets_from_what_the_example_lists() -> None:
    asked = set(re.findall(r"\$\{(\w+)", read("compose.yaml")))
    offered = {line.split("=")[0] for line in read(".env.example").splitlines() if line and not line.startswith("#")}
    assert asked == offered


def test_compose_sets_nothing_but_settings() -> None:
    given = set(re.findall(r"^\s+(NOREN_\w+):", read("compose.yaml"), re.MULTILINE))
    assert given <= {f"NOREN_{name.upper()}" for name in Settings.model_fields}


def test_the_image_copies_what_the_wheel_is_made_of() -> None:
    copied = set(re.findall(r"^COPY (?!--)(.+) \S+$", read("Dockerfile"), re.MULTILINE))
    names = {name for line in copied for name in line.split()}
    kept = {line.removeprefix("!") for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert names == kept
    assert all((ROOT / name).exists() for name in names)


def test_decisions_are_numbered_once_and_have_all_their_parts() -> None:
    pages = sorted(ROOT.glob("docs/decisions/*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(numbers) == len(set(numbers))
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Cost"], page.name


def test_the_readme_names_every_page_of_the_documentation() -> None:
    text = read("README.md")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"docs/{page.name}" not in text] == []
