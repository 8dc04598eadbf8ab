"""The order of a run gives each process its slow tests first, and keeps together what belongs together."""

import random
from itertools import pairwise

import pytest

from tests.order import deal, is_slow_run, longest_first


class Item:
    """As much of a collected test as its order needs."""

    def __init__(self, path: str, *, is_slow: bool, **about: int) -> None:
        self.location = (path, 0, "")
        self.is_slow = is_slow
        self.kwargs = about

    def get_closest_marker(self, name: str) -> object:
        """The mark of this name, if it has one."""
        return self if self.is_slow and name == "slow" else None


def test_each_process_begins_with_slow_modules_and_no_folder_is_torn() -> None:
    slow = [f"tests/app/one/test_slow_{number}.py" for number in range(4)]
    quick = [f"tests/app/{folder}/test_{number}.py" for folder in ("one", "two", "three") for number in range(10)]
    modules = [*slow, *quick]
    random.shuffle(modules)
    items = [Item(path, is_slow=path in slow and number == 2) for path in modules for number in range(3)]
    dealt: list[Item] = deal(items, 2)  # type: ignore[arg-type, assignment]
    assert sorted(map(id, dealt)) == sorted(map(id, items))
    half = len(items) // 2
    for part in (dealt[:half], dealt[half:]):
        assert {one.location[0] in slow for one in part[:6]} == {True}
        assert {one.location[0] in slow for one in part[6:]} == {False}
    paths = [one.location[0] for one in dealt if one.location[0] not in slow]
    folders = [path.split("/")[2] for path in paths]
    assert len([1 for one, other in pairwise(folders) if one != other]) == 2


@pytest.mark.parametrize("processes", [1, 3, 50])
def test_however_few_tests_there_are_none_is_lost(processes: int) -> None:
    items = [Item(f"tests/test_{number}.py", is_slow=number % 2 == 0) for number in range(7)]
    assert sorted(map(id, deal(items, processes))) == sorted(map(id, items))  # type: ignore[arg-type]


def test_a_run_of_slow_tests_begins_with_the_longest_module_and_tears_none() -> None:
    items = [Item("tests/test_unknown.py", is_slow=True)]
    for seconds in (20, 90, 5, 60):
        items += [Item(f"tests/test_{seconds}.py", is_slow=True, seconds=seconds) for _ in range(3)]
    random.shuffle(items)
    assert is_slow_run(items)  # type: ignore[arg-type]
    paths = [item.location[0] for item in longest_first(items)]  # type: ignore[arg-type]
    longest = ["tests/test_90.py", "tests/test_60.py", "tests/test_20.py", "tests/test_unknown.py", "tests/test_5.py"]
    assert list(dict.fromkeys(paths)) == longest
    assert len([1 for one, other in pairwise(paths) if one != other]) == 4
