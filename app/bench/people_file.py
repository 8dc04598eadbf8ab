"""A file of customers as a chain's till writes it, with some rows that are wrong."""

from collections.abc import Iterator

STORES = 20
HEADER = "会員番号,氏名,フリガナ,電話番号,メールアドレス,生年月日,性別,郵便番号,店舗,タグ\r\n"
_FAMILIES = (("髙橋", "タカハシ"), ("佐藤", "サトウ"), ("山﨑", "ヤマザキ"), ("鈴木", "スズキ"), ("田中", "タナカ"))
_NAMES = (("花子", "ハナコ", "女性"), ("太郎", "タロウ", "男性"), ("陽菜", "ヒナ", "女性"), ("蓮", "レン", "男性"))
_TAGS = ("", "常連", "平日ランチ", "メルマガ")


def is_bad(number: int) -> bool:
    """Whether the row of this number is wrong: one in a hundred."""
    return number % 100 == 37


def write_rows(count: int) -> Iterator[str]:
    """The lines of a file with this many rows, the header first."""
    yield HEADER
    for number in range(count):
        family, family_kana = _FAMILIES[number % 5]
        name, kana, gender = _NAMES[number % 4]
        phone = "12" if is_bad(number) else f"0{7 + number % 3}0-{number // 10_000 % 10_000:04}-{number % 10_000:04}"
        birthday = f"{1950 + number % 50}/{number % 12 + 1}/{number % 28 + 1}"
        cells = (
            f"M-{number:08}", f"{family} {name}", f"{family_kana} {kana}", phone, f"member{number}@example.jp",
            birthday, gender, f"{100 + number % 800:03}-{number % 10_000:04}", f"S{number % STORES + 1:04}",
            _TAGS[number % 4],
        )  # fmt: skip
        yield ",".join(cells) + "\r\n"
