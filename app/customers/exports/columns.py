"""The columns of a file of customers: how each is headed, and what stands in it.

Those that the import knows are headed as it knows them, so that a file that was exported comes in again without a
change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.customers.models import Customer
from app.schemas import write_instant
from tenants.ids import encode_id

ATTRIBUTE, SYSTEM = "attributes.", "external_ids."
GENDERS_JA: Final = {"female": "女性", "male": "男性", "other": "その他"}


@dataclass(frozen=True)
class Person:
    """A customer with what hangs on her."""

    customer: Customer
    tags: Sequence[str]
    """The brand's; `store_tags` are the stores'."""
    store_tags: Sequence[str]
    external_ids: Sequence[tuple[str, str]]
    display_name: str | None
    following: Sequence[str]
    """Names of the LINE accounts that she follows."""
    store_codes: Sequence[str]
    home_store_code: str | None
    home_store_id: UUID | None


@dataclass(frozen=True)
class Column:
    """One column: its name, its headings, and its value, for JSON."""

    name: str
    ja: str
    en: str
    value: Callable[[Person], Any]
    is_ours: bool = False
    """Whether only Noren knows it: an import passes it over, and NDJSON holds it only where it is asked for."""


def _of_row(name: str) -> Callable[[Person], Any]:
    return lambda person: getattr(person.customer, name)


COLUMNS: Final = {
    column.name: column
    for column in (
        Column("external_id", "顧客ID", "external_id", _of_row("external_id")),
        Column("member_number", "会員番号", "member_number", _of_row("member_number")),
        Column("name", "氏名", "name", _of_row("name")),
        Column("kana", "フリガナ", "kana", _of_row("kana")),
        Column("phone", "電話番号", "phone", _of_row("phone")),
        Column("email", "メールアドレス", "email", _of_row("email")),
        Column("birthday_on", "生年月日", "birthday_on", _of_row("birthday_on")),
        Column("gender", "性別", "gender", _of_row("gender")),
        Column("postal_code", "郵便番号", "postal_code", _of_row("postal_code")),
        Column("address", "住所", "address", _of_row("address")),
        Column("municipality_code", "市区町村コード", "municipality_code", _of_row("municipality_code")),
        Column("home_store", "ホーム店舗", "home_store", lambda person: person.home_store_code),
        Column("tags", "タグ", "tags", lambda person: list(person.tags)),
        Column("first_seen_at", "登録日時", "first_seen_at", _of_row("first_seen_at")),
        Column("display_name", "LINEでの名前", "line_name", lambda person: person.display_name, is_ours=True),
        Column("following", "友だち中のアカウント", "following", lambda person: list(person.following), is_ours=True),
        Column("stores", "関係のある店舗", "stores", lambda person: list(person.store_codes), is_ours=True),
        Column("store_tags", "店舗のタグ", "store_tags", lambda person: list(person.store_tags), is_ours=True),
        Column("order_count", "注文回数", "order_count", _of_row("order_count"), is_ours=True),
        Column("spend_yen", "購入金額", "spend_yen", _of_row("spend_yen"), is_ours=True),
        Column("visit_count", "来店回数", "visit_count", _of_row("visit_count"), is_ours=True),
        Column("last_order_at", "最終注文日時", "last_order_at", _of_row("last_order_at"), is_ours=True),
        Column("last_visit_at", "最終来店日時", "last_visit_at", _of_row("last_visit_at"), is_ours=True),
        Column("created_at", "作成日時", "created_at", _of_row("created_at"), is_ours=True),
        Column("updated_at", "更新日時", "updated_at", _of_row("updated_at"), is_ours=True),
    )
}
"""Columns that every brand has, in the order of a file that names none."""

ID: Final = Column("id", "Noren ID", "noren_id", lambda person: encode_id("cus", person.customer.id), is_ours=True)
"""Stands first in every file: the audit log tells by it whose data was fetched, and an import finds her by it."""


def choose(names: Sequence[str] | None, attributes: Sequence[str], systems: Sequence[str]) -> list[Column]:
    """The columns of a file. Those of no name: all, with each attribute and each other system that the brand has.

    `attributes` as a name stands for all of them, and so does `external_ids`. Raises KeyError for an unknown name.
    """
    wanted = [*COLUMNS, "external_ids", "attributes"] if names is None else names
    chosen: dict[str, Column] = {"id": ID}
    for name in wanted:
        if name == "attributes":
            chosen |= {f"{ATTRIBUTE}{one}": _attribute(one) for one in attributes}
        elif name == "external_ids":
            chosen |= {f"{SYSTEM}{one}": _external_id(one) for one in systems}
        elif name.startswith(ATTRIBUTE):
            chosen[name] = _attribute(name.removeprefix(ATTRIBUTE))
        elif name.startswith(SYSTEM):
            chosen[name] = _external_id(name.removeprefix(SYSTEM))
        elif name != "id":
            chosen[name] = COLUMNS[name]
    return list(chosen.values())


def _attribute(name: str) -> Column:
    full = f"{ATTRIBUTE}{name}"
    return Column(full, full, full, lambda person: person.customer.attributes.get(name))


def _external_id(system: str) -> Column:
    """Her id there; the least, where she has several."""
    full = f"{SYSTEM}{system}"
    return Column(
        full, full, full, lambda person: min((v for s, v in person.external_ids if s == system), default=None)
    )


def write_cell(column: Column, value: Any, zone: ZoneInfo, *, japanese: bool) -> str:
    """A value as people read it in a spreadsheet, and as the import takes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return ("はい" if value else "いいえ") if japanese else ("true" if value else "false")
    if isinstance(value, list):
        return "、".join(value) if japanese else ", ".join(value)
    if isinstance(value, datetime):
        # What comes in again must be the same to the microsecond.
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if column.is_ours else write_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if column.name == "gender" and japanese:
        return GENDERS_JA.get(value, str(value))
    return str(value)


def write_object(columns: Sequence[Column], person: Person) -> dict[str, Any]:
    """A person as the import takes her from NDJSON; what is not known is left out."""
    written: dict[str, Any] = {}
    for column in columns:
        value = column.value(person)
        if value is None or value == []:
            continue
        if column.name.startswith(ATTRIBUTE):
            written.setdefault("attributes", {})[column.name.removeprefix(ATTRIBUTE)] = value
        elif column.name.startswith(SYSTEM):
            system = column.name.removeprefix(SYSTEM)
            hers = sorted(one for named, one in person.external_ids if named == system)
            written.setdefault("external_ids", []).extend({"system": system, "id": one} for one in hers)
        elif column.name == "home_store" and person.home_store_id is not None:
            written["home_store_id"] = encode_id("store", person.home_store_id)
        else:
            written[column.name] = write_instant(value) if isinstance(value, datetime) else value
    return written
