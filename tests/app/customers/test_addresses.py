"""The municipality that an address begins with."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.customers.addresses import PREFECTURES, Municipalities, find_municipality, load_municipalities
from tenants.session import ScopedSession

MUNICIPALITIES = Municipalities(
    [
        ("01337", "七飯町"),
        ("01408", "余市町"),
        ("07203", "郡山市"),
        ("07203", "郡山市湖南"),
        ("12224", "鎌ケ谷市"),
        ("13102", "中央区"),
        ("13113", "渋谷区"),
        ("13206", "府中市"),
        ("14100", "横浜市"),
        ("20212", "大町市"),
        ("22100", "静岡市南部"),
        ("22100", "静岡市北部"),
        ("23214", "蒲郡市"),
        ("23561", "設楽町"),
        ("27100", "大阪市"),
        ("34208", "府中市"),
        ("42212", "西海市（江島・平島を除く）"),
        ("42212", "西海市（江島・平島）"),
    ]
)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("東京都渋谷区神南1-2-3", "13113"),
        ("東京都 渋谷区 神南", "13113"),
        ("神奈川県横浜市中区山下町1", "14100"),
        ("北海道亀田郡七飯町本町1", "01337"),
        ("北海道余市郡余市町黒川町1", "01408"),
        ("福島県郡山市湖南町1", "07203"),
        ("愛知県蒲郡市旭町", "23214"),
        ("愛知県北設楽郡設楽町田口", "23561"),
        ("千葉県鎌ヶ谷市新鎌ヶ谷", "12224"),
        ("静岡県静岡市葵区追手町", "22100"),
        ("長崎県西海市崎戸町江島", "42212"),
        ("東京都府中市宮西町", "13206"),
        ("大阪市北区梅田3-1-1", "27100"),
    ],
)
def test_an_address_tells_its_municipality(address: str, code: str) -> None:
    assert MUNICIPALITIES.find(address) == code


@pytest.mark.parametrize(
    "address", ["中央区銀座4-1", "府中市1-1", "東京都", "", "Shibuya, Tokyo", "神奈川県渋谷区1-1", "町"]
)
def test_an_address_that_may_mean_several_places_or_none_tells_nothing(address: str) -> None:
    assert MUNICIPALITIES.find(address) is None


def test_the_table_of_areas_is_asked(session: ScopedSession) -> None:
    areas = [("1311300", "渋谷区"), ("2210001", "静岡市南部"), ("2210002", "静岡市北部"), ("2710000", "大阪市")]
    put = text(
        "INSERT INTO weather_area (level, code, name, parent, stations, synced_at)"
        " VALUES ('class20', :code, :name, NULL, '{}', :at) ON CONFLICT DO NOTHING"
    )
    for code, name in areas:
        session.execute(put, {"code": code, "name": name, "at": datetime(2026, 11, 1, tzinfo=UTC)})
    assert find_municipality(session, "東京都渋谷区神南1-2-3") == "13113"
    assert find_municipality(session, "大阪市北区梅田3-1-1") == "27100"
    assert load_municipalities(session, "22").find("静岡県静岡市葵区") == "22100"
    assert load_municipalities(session, "22").find("東京都渋谷区神南") is None


def test_there_are_47_prefectures() -> None:
    assert (len(PREFECTURES), PREFECTURES["13"], PREFECTURES["47"]) == (47, "東京都", "沖縄県")
