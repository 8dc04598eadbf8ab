"""Poison at every place of every operation: never a 5xx, always a documented answer, and nothing that breaks a reader.

A sample of it; `make fuzz` sends all of it, over HTTP.
"""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tenants.sealing import Keyring
from tests.commit import read_commit
from tests.conftest import new_home
from tests.fuzz.corpus import CORPUS, HEADERS, PLAIN
from tests.fuzz.poison import Findings, attempts, judge, places, poison, read_back, sample, show
from tests.fuzz.world import World, build, every_operation, prefixes

SHARE = 0.006
PARTS = 4
"""A commit tries one of so many parts of the operations; the sample of `make fuzz`, which the build runs, tries all."""


@pytest.fixture(scope="module")
def world(api: TestClient, engine: Engine, keyring: Keyring) -> World:
    """A brand with one of everything, to be poisoned."""
    return build(api, new_home(engine, keyring))


@pytest.mark.slow(seconds=35)
@pytest.mark.parametrize("part", [int(read_commit()[:8], 16) % PARTS])
def test_poison_is_refused_or_kept_but_breaks_nothing(world: World, part: int) -> None:
    chosen = every_operation()[part::PARTS]
    findings = Findings()
    poison(world, chosen, findings, sample(SHARE, "test"))
    read_back(world, findings)
    assert findings.sent > len(chosen)
    assert findings.wrong == {}


def test_the_corpus_is_large_and_every_value_is_another() -> None:
    assert len(set(CORPUS.values())) >= 150
    assert len(set(PLAIN.values())) >= 150
    assert len(set(HEADERS.values())) >= 150


def test_every_place_of_every_operation_gets_all_of_it(world: World) -> None:
    for operation in every_operation():
        tried: dict[str, set[str]] = {}

        def note(label: str, tried: dict[str, set[str]] = tried) -> bool:
            poison, _, place = label.partition(": ")[2].rpartition(" at ")
            tried.setdefault(place, set()).add(poison)
            return False

        assert list(attempts(world, operation, note)) == []
        expected = {f"{one['in']} {one['name']}" for one in operation.parameters} | {"the name of a query"}
        if operation.body:
            expected |= {show(at) for at, _ in places(operation.body["schema"])}
        assert expected <= set(tried)
        assert all(len(tried[place]) >= 150 for place in expected)


def test_the_world_has_one_of_everything_that_a_path_names(world: World) -> None:
    assert prefixes() <= set(world.ids)


def test_an_answer_that_is_not_as_documented_is_noticed(world: World) -> None:
    operation = next(one for one in every_operation() if one.name == "read_brand")
    attempt = next(attempts(world, operation))
    good = world.api.get("/v1/brand", headers=world.headers)
    assert judge(attempt, good) is None
    assert judge(attempt, world.api.get("/v1/tags", headers=world.headers)) is not None
    assert judge(attempt, world.api.get("/healthz")) is not None
    assert judge(attempt, world.api.delete("/v1/brand", headers=world.headers)) is not None
