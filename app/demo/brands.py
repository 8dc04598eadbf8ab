"""The demo's brands: real places, invented shops."""

from dataclasses import dataclass

FOOD = "のれん食堂"
COFFEE = "あおい珈琲"

HOURS = {day: [["10:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@dataclass(frozen=True)
class DemoStore:
    """A shop with its true place: coordinates in degrees, codes as JMA and the municipalities' code list write them."""

    code: str
    name: str
    municipality_code: str
    address: str
    latitude: float
    longitude: float
    class20: str
    class10: str
    office: str


@dataclass(frozen=True)
class DemoAccount:
    """A LINE account and the codes of the stores it speaks for."""

    name: str
    channel_id: str
    provider_id: str
    store_codes: tuple[str, ...]
    area: str | None = None


@dataclass(frozen=True)
class DemoBrand:
    """All of a brand that is not people."""

    name: str
    stores: tuple[DemoStore, ...]
    areas: dict[str, tuple[str, ...]]
    accounts: tuple[DemoAccount, ...]


_TOKYO = ("130010", "130000")
_KANAGAWA = ("140010", "140000")
_OSAKA = ("270000", "270000")
_AICHI = ("230010", "230000")
_FUKUOKA = ("400010", "400000")

FOOD_BRAND = DemoBrand(
    FOOD,
    (
        DemoStore("T01", "新宿店", "13104", "東京都新宿区新宿3丁目", 35.6909, 139.7046, "1310400", *_TOKYO),
        DemoStore("T02", "渋谷店", "13113", "東京都渋谷区道玄坂2丁目", 35.6585, 139.6986, "1311300", *_TOKYO),
        DemoStore("T03", "池袋店", "13116", "東京都豊島区東池袋1丁目", 35.7299, 139.7147, "1311600", *_TOKYO),
        DemoStore("T04", "上野店", "13106", "東京都台東区上野6丁目", 35.7098, 139.7748, "1310600", *_TOKYO),
        DemoStore("T05", "吉祥寺店", "13203", "東京都武蔵野市吉祥寺本町1丁目", 35.7038, 139.5797, "1320300", *_TOKYO),
        DemoStore("K01", "横浜店", "14103", "神奈川県横浜市西区南幸1丁目", 35.4660, 139.6201, "1410000", *_KANAGAWA),
        DemoStore("K02", "川崎店", "14131", "神奈川県川崎市川崎区駅前本町", 35.5316, 139.6985, "1413000", *_KANAGAWA),
        DemoStore("O01", "梅田店", "27127", "大阪府大阪市北区梅田1丁目", 34.7014, 135.4959, "2710000", *_OSAKA),
        DemoStore("O02", "難波店", "27128", "大阪府大阪市中央区難波4丁目", 34.6661, 135.5009, "2710000", *_OSAKA),
        DemoStore("O03", "堺店", "27141", "大阪府堺市堺区三国ヶ丘御幸通", 34.5672, 135.4861, "2714000", *_OSAKA),
        DemoStore("N01", "栄店", "23106", "愛知県名古屋市中区栄3丁目", 35.1684, 136.9066, "2310000", *_AICHI),
        DemoStore("N02", "名駅店", "23105", "愛知県名古屋市中村区名駅4丁目", 35.1706, 136.8846, "2310000", *_AICHI),
        DemoStore("F01", "天神店", "40133", "福岡県福岡市中央区天神2丁目", 33.5902, 130.3989, "4013000", *_FUKUOKA),
        DemoStore("F02", "博多店", "40132", "福岡県福岡市博多区博多駅前2丁目", 33.5902, 130.4170, "4013000", *_FUKUOKA),
    ),
    {
        "首都圏": ("T01", "T02", "T03", "T04", "T05", "K01", "K02"),
        "東京": ("T01", "T02", "T03", "T04", "T05"),
        "神奈川": ("K01", "K02"),
        "関西": ("O01", "O02", "O03"),
        "東海": ("N01", "N02"),
        "九州": ("F01", "F02"),
    },
    (
        DemoAccount("のれん食堂 新宿店", "1650000001", "2000000001", ("T01",)),
        DemoAccount("のれん食堂 渋谷店", "1650000002", "2000000001", ("T02",)),
        DemoAccount("のれん食堂 池袋店", "1650000003", "2000000001", ("T03",)),
        DemoAccount("のれん食堂 上野店", "1650000004", "2000000001", ("T04",)),
        DemoAccount("のれん食堂 吉祥寺店", "1650000005", "2000000001", ("T05",)),
        DemoAccount("のれん食堂 神奈川", "1650000006", "2000000001", ("K01", "K02"), "神奈川"),
        DemoAccount("のれん食堂 関西", "1650000007", "2000000001", ("O01", "O02", "O03"), "関西"),
        DemoAccount("のれん食堂 東海", "1650000008", "2000000002", ("N01", "N02"), "東海"),
        DemoAccount("のれん食堂 天神店", "1650000009", "2000000002", ("F01",)),
        DemoAccount("のれん食堂 博多店", "1650000010", "2000000002", ("F02",)),
    ),
)
"""`首都圏` lies above 東京 and 神奈川 in the tree of areas. 東海 and 九州 are a franchisee's: another provider."""

COFFEE_BRAND = DemoBrand(
    COFFEE,
    (
        DemoStore("A01", "銀座店", "13102", "東京都中央区銀座4丁目", 35.6717, 139.7650, "1310200", *_TOKYO),
        DemoStore("A02", "心斎橋店", "27128", "大阪府大阪市中央区心斎橋筋1丁目", 34.6730, 135.5010, "2710000", *_OSAKA),
    ),
    {"全店": ("A01", "A02")},
    (
        DemoAccount("あおい珈琲 銀座店", "1660000001", "2000000009", ("A01",)),
        DemoAccount("あおい珈琲 心斎橋店", "1660000002", "2000000009", ("A02",)),
    ),
)

PARENT_OF = {"東京": "首都圏", "神奈川": "首都圏"}
