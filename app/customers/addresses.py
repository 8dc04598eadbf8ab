"""The municipality of an address, by its prefecture and the names in JMA's table of areas.

That table is reference data of a package above this one, so it is named here as SQL. It lists every municipality,
with the wards of Tokyo and Hiroshima; other large cities are found as the city. Where nobody has fetched the table yet,
nothing is found.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

_IN_ORDER: Final = (
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県",
    "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県",
    "岐阜県", "静岡県", "愛知県", "三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県",
    "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県",
    "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
)  # fmt: skip
PREFECTURES: Final = {f"{no:02}": name for no, name in enumerate(_IN_ORDER, 1)}
"""Prefectures by the first two digits of a municipality's code (JIS X 0401)."""

_MUNICIPALITY_NAME = re.compile(r".+[市町村区]")
_COUNTY = re.compile(r".{1,6}?郡")
_AREAS = text(
    "SELECT left(code, 5) AS municipality_code, name FROM weather_area"
    " WHERE level = 'class20' AND code >= :first AND code < :beyond ORDER BY code"
)


class Municipalities:
    """Names of municipalities, by which addresses are read."""

    def __init__(self, areas: Iterable[tuple[str, str]]) -> None:
        """Of pairs of a municipality's code and the name of it or of a part of it."""
        parts: dict[str, list[str]] = defaultdict(list)
        for code, name in areas:
            parts[code].append(_spell(name))
        self._names: dict[str, dict[str, str]] = defaultdict(dict)
        cities: dict[str, set[str]] = defaultdict(set)
        for code, names in parts.items():
            name = _name_of(names)
            self._names[code[:2]][name] = code
            if name.endswith("市"):
                cities[name].add(code)
        self._cities = {name: codes.pop() for name, codes in cities.items() if len(codes) == 1}

    def find(self, address: str) -> str | None:
        """The code of the municipality that an address begins with, such as 13113; None where it is not plain.

        Without a prefecture only a city whose name there is once is found: 中央区 there are many.
        """
        spelled = _spell(address)
        prefecture = find_prefecture(spelled)
        if prefecture is None:
            return _find_longest(self._cities, spelled)
        rest = spelled.removeprefix(PREFECTURES[prefecture])
        found = _find_longest(self._names[prefecture], rest)
        county = _COUNTY.match(rest)
        if found is None and county is not None:
            found = _find_longest(self._names[prefecture], rest[county.end() :])
        return found


def find_prefecture(address: str) -> str | None:
    """The two digits of the prefecture that an address begins with, or None."""
    return next((code for code, name in PREFECTURES.items() if address.startswith(name)), None)


def load_municipalities(session: Session, prefecture: str | None = None) -> Municipalities:
    """The municipalities of a prefecture, or of all Japan: load them once to read many addresses."""
    span = {"first": prefecture or "", "beyond": f"{prefecture}9999999" if prefecture else "a"}
    return Municipalities((row.municipality_code, row.name) for row in session.execute(_AREAS, span))


def find_municipality(session: Session, address: str) -> str | None:
    """The code of the municipality that an address begins with; None where it is not plain."""
    return load_municipalities(session, find_prefecture(_spell(address))).find(address)


def _spell(address: str) -> str:
    """One spelling for what is written in several ways: 龍ヶ崎 and 龍ケ崎, and spaces between the parts."""
    return unicodedata.normalize("NFKC", address).replace("ヶ", "ケ").replace(" ", "")


def _name_of(names: list[str]) -> str:
    """The municipality's name, of the names of its parts: 静岡市 of 静岡市北部 and 静岡市南部."""
    if len(names) == 1:
        return names[0]
    shared = "".join(letters[0] for letters in takewhile(lambda one: len(set(one)) == 1, zip(*names, strict=False)))
    found = _MUNICIPALITY_NAME.match(shared)
    return found[0] if found else shared


def _find_longest(names: dict[str, str], address: str) -> str | None:
    """The code of the longest name that the address begins with."""
    sizes = range(min(len(address), 12), 1, -1)
    return next((names[address[:size]] for size in sizes if address[:size] in names), None)
