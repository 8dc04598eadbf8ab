"""Which column of a file holds what, by the headings that people and tools in Japan use, or as the caller says."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.customers.imports.problems import ImportFileUnreadable

KEYS: Final = ("noren_id", "external_id", "member_number", "phone", "email", "line_user_id")
"""Columns that name a person; ids of other systems do so too."""

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "noren_id": ("Noren ID",),
    "external_id": ("顧客ID", "顧客コード", "顧客番号", "お客様番号", "お客様ID", "customer_id", "id"),
    "member_number": ("会員番号", "会員ID", "会員No", "会員証番号", "カード番号", "member_no", "member_id"),
    "name": ("氏名", "名前", "お名前", "顧客名", "お客様名", "会員名", "本名", "full_name"),
    "kana": ("カナ", "フリガナ", "ふりがな", "氏名カナ", "氏名（カナ）", "カナ氏名", "お名前カナ", "よみがな"),
    "phone": (
        "電話番号", "電話", "携帯", "携帯電話", "携帯番号", "携帯電話番号", "TEL", "ご連絡先", "連絡先", "mobile",
        "phone_number",
    ),
    "email": ("メール", "メールアドレス", "Eメール", "E-mail", "mail", "mail_address", "email_address"),
    "birthday_on": ("生年月日", "誕生日", "お誕生日", "birthday", "birth_date", "date_of_birth"),
    "gender": ("性別", "sex"),
    "postal_code": ("郵便番号", "〒", "zip", "zip_code", "zipcode", "postcode"),
    "address": ("住所", "ご住所", "現住所"),
    "municipality_code": ("市区町村コード", "自治体コード", "city_code"),
    "home_store": ("ホーム店舗", "利用店舗", "所属店舗", "メイン店舗", "home_store_id"),
    "store": ("店舗コード", "店舗", "登録店舗", "store_id", "store_code"),
    "tags": ("タグ", "タグ名", "ラベル", "友だちタグ", "tag", "labels"),
    "first_seen_at": ("登録日", "登録日時", "入会日", "会員登録日", "初回来店日", "registered_at"),
    "line_user_id": (
        "LINEユーザーID", "LINE ユーザーID", "ユーザーID", "ユーザID", "LINE ID", "LINE UID", "UID", "userId",
        "line_uid", "line_id", "user_id",
    ),
    "display_name": ("LINE登録名", "LINE名", "LINE表示名", "表示名", "LINE display name", "displayName", "nickname"),
    "friend_status": ("友だち状態", "友だちステータス", "ブロック", "ブロック状態", "blocked", "is_blocked"),
    "followed_at": (
        "友だち追加日", "友だち追加日時", "友達追加日", "友達追加日時", "フォロー日", "フォロー日時", "followed_on",
        "follow_date",
    ),
}  # fmt: skip
"""Headings by field, beside the field's own name. Widths, spaces, case and brackets make no difference."""

ATTRIBUTE: Final = "attributes."
SYSTEM: Final = "external_ids."
_SYSTEM_NAME: Final = re.compile("[a-z][a-z0-9_]{0,39}")
IGNORED: Final = "ignore"


@dataclass(frozen=True, slots=True)
class Column:
    """What one column holds: a field, and for attributes and other systems' ids the name of it."""

    field: str
    name: str = ""


def read_column(target: str) -> Column | None:
    """The column that a mapping names, such as `phone` or `attributes.size`; None for no such field."""
    if target in HEADINGS:
        return Column(target)
    if target.startswith(ATTRIBUTE) and 1 <= len(target) - len(ATTRIBUTE) <= 64:
        return Column("attributes", target.removeprefix(ATTRIBUTE))
    system = target.removeprefix(SYSTEM)
    if system != target and _SYSTEM_NAME.fullmatch(system) and system not in KEYS:
        return Column("external_ids", system)
    return None


def recognise(heading: str) -> Column | None:
    """The column of a heading as people write it; None for what is not known."""
    return _KNOWN.get(_spell(heading)) or read_column(heading.strip())


def choose(headings: Sequence[str], mapping: Mapping[str, str]) -> list[Column | None]:
    """What each column of a file holds; None for those that are passed over. Raises ImportFileUnreadable.

    A mapping decides; the headings that it does not name are recognised.
    """
    wanted = {_spell(heading): target for heading, target in mapping.items()}
    unknown = set(wanted) - {_spell(heading) for heading in headings}
    if unknown:
        raise ImportFileUnreadable(
            f"The mapping names {len(unknown)} headings that the file does not have.",
            f"対応付けで指定された見出しのうち{len(unknown)}個がファイルにありません。",
            1,
        )
    chosen = [_column_of(heading, wanted) for heading in headings]
    held = [column for column in chosen if column is not None]
    if not held:
        raise ImportFileUnreadable(
            "The first line must name the columns, and no heading in it is known: is the header missing?",
            "1行目に列の見出しが必要ですが、分かる見出しが1つもありません。見出し行がないようです。",
            1,
        )
    for column in held:
        if held.count(column) > 1:
            name = f"{column.field}.{column.name}" if column.name else column.field
            raise ImportFileUnreadable(
                f"Two columns hold {name}: name each once, or map one to “{IGNORED}”.",
                f"「{name}」に当たる列が2つあります。1つにするか、片方を「{IGNORED}」に対応付けてください。",
                1,
            )
    if not any(column.field in KEYS or column.field == "external_ids" for column in held):
        raise ImportFileUnreadable(
            "No column names a person by customer id, member number, phone, e-mail, LINE user id or Noren ID.",
            "お客様を見分ける列がありません。Noren ID・顧客ID・会員番号・電話番号・メール・LINEユーザーIDの"
            "どれかが必要です。",
            1,
        )
    return chosen


def _column_of(heading: str, wanted: Mapping[str, str]) -> Column | None:
    target = wanted.get(_spell(heading))
    if target is None:
        return recognise(heading)
    return None if target == IGNORED else read_column(target)


def _spell(heading: str) -> str:
    """One spelling of a heading: without width, case, spaces, marks and brackets."""
    return re.sub(r"[\s　_\-・()\[\]【】「」:：*※]", "", unicodedata.normalize("NFKC", heading)).casefold()


_KNOWN: Final = {
    _spell(heading): Column(field) for field, headings in HEADINGS.items() for heading in (field, *headings)
}
