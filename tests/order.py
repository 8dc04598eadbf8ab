"""The order of a run: at random, but first what takes long or would later, and together what shares what it needs."""

from collections.abc import Iterable, Sequence
from itertools import islice

import pytest


def deal(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """The tests, so that each process of a run begins with its share of the modules that are slow, or would be later.

    A process is given as many tests as any other, side by side in this order, and when it is done takes from the end of
    another's: a slow test near an end would keep the run waiting. Modules of one folder follow each other, since they
    share sandboxes and applications, which would otherwise be started by every process.
    """
    modules = _by_module(items)
    slow = [name for name, found in modules.items() if any(map(_comes_first, found))]
    quick = iter(_flatten(modules[name] for name in _by_folder([name for name in modules if name not in set(slow)])))
    dealt: list[pytest.Item] = []
    for number in range(processes):
        first = _flatten(modules[name] for name in slow[number::processes])
        size = (len(items) - len(dealt)) // (processes - number)
        dealt += [*first, *islice(quick, max(0, size - len(first)))]
    return [*dealt, *quick]


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Slow tests by their modules, the longest first: for a run that gives each process a whole module at a time.

    A module says how long it takes, `pytest.mark.slow(seconds=90)`: one of which nobody said it takes ten.
    """
    found = _by_module(items)
    return _flatten(sorted(found.values(), key=lambda module: -max(map(_seconds, module))))


def is_slow_run(items: Sequence[pytest.Item]) -> bool:
    """Whether a run has none but slow tests."""
    return all(item.get_closest_marker("slow") for item in items)


def _by_module(items: Sequence[pytest.Item]) -> dict[str, list[pytest.Item]]:
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.location[0], []).append(item)
    return modules


def _seconds(item: pytest.Item) -> int:
    marker = item.get_closest_marker("slow")
    return int(marker.kwargs.get("seconds", 10)) if marker else 0


def _comes_first(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("slow", "every_brand"))


def _by_folder(names: Sequence[str]) -> list[str]:
    """Modules beside those of their folder; folders as their first modules follow each other."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folder = "/".join(name.split("/")[:-1][:3])  # of what shares a sandbox even its folders within
        folders.setdefault(folder, []).append(name)
    return [name for found in folders.values() for name in found]


def _flatten(found: Iterable[list[pytest.Item]]) -> list[pytest.Item]:
    return [item for some in found for item in some]
