"""Rows of a file as arrivals: people with checked values, or the reason why a row is none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from app.customers.addresses import Municipalities
from app.customers.attributes.models import CustomerAttribute
from app.customers.attributes.values import find_faults
from app.customers.imports.columns import KEYS, Column
from app.customers.imports.fields import NO, YES, FieldKind
from app.customers.imports.reading import Row
from app.customers.schemas import Attributes, ExternalIds
from app.customers.spelling import half_width
from app.schemas import compose
from tenants.stores.models import Store

_GUARD = "'"
_GUARDED = ("=", "+", "-", "@", "\t", "\r")
_FORMULA = re.compile('="([^"]*)"')
_MEMBERS: Final = {"id": "noren_id", "store_id": "store", "home_store_id": "home_store", "status": "friend_status"}
"""What members of NDJSON are called here, where the API calls them otherwise."""
_check_attributes = TypeAdapter(Attributes).validator.validate_python
_check_external_ids = TypeAdapter(ExternalIds).validator.validate_python
_REMEMBERED: Final = 20_000
"""Values of one column of which it is remembered what came of them."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was not taken, and in which column; never what stood there."""

    line: int
    column: str
    en: str
    ja: str


@dataclass(slots=True)
class Arrival:
    """A person as a row tells of her: values by field, and the fields that it empties."""

    line: int
    values: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    external_ids: list[tuple[str, str]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)

    def keys(self) -> list[str]:
        """What names her, each as one text."""
        named = [f"{key}:{self.values[key]}" for key in KEYS if key in self.values]
        named += [f"external_ids.{system}:{value}" for system, value in self.external_ids]
        return named


class Refused(Exception):
    """A value is wrong: which column, and why, in English and Japanese."""

    def __init__(self, column: str, en: str, ja: str) -> None:
        self.column, self.en, self.ja = column, en, ja


@dataclass(frozen=True)
class Surroundings:
    """What rows may name: stores by code, name or id, declared attributes, municipalities by address."""

    stores: Mapping[str, Store]
    closed_stores: Mapping[str, Store]
    """Stores that are archived, which nobody is newly tied to."""
    attributes: Mapping[str, CustomerAttribute]
    municipalities: Municipalities
    has_account: bool
    """Whether the file belongs to a LINE account, whose users its LINE user ids are."""


class RowReader:
    """Makes arrivals of rows."""

    def __init__(
        self,
        kinds: Mapping[str, FieldKind],
        around: Surroundings,
        columns: Sequence[Column | None] = (),
        headings: Sequence[str] = (),
    ) -> None:
        self._kinds = kinds
        self._around = around
        self._width = len(columns)
        self._headings = {
            _name_of(column): heading for column, heading in zip(columns, headings, strict=True) if column
        }
        self._columns: list[tuple[int, Column, str, FieldKind | None, dict[str, Any]]] = [
            (at, column, headings[at], kinds.get(column.field), {})
            for at, column in enumerate(columns)
            if column is not None
        ]

    def read_cells(self, row: Row) -> Arrival | Fault:
        """A row of a CSV; cells that are empty say nothing."""
        if row.trouble is not None:
            return Fault(row.line, "", *row.trouble)
        cells = cast(Sequence[str], row.cells)
        if len(cells) != self._width:
            return Fault(
                row.line,
                "",
                f"The row has {len(cells)} cells and the header {self._width}.",
                f"セルが{len(cells)}個ありますが、見出しは{self._width}個です。",
            )
        arrival = Arrival(row.line, {})
        try:
            for at, column, heading, kind, known in self._columns:
                if not (cell := cells[at]):
                    continue
                # Most cells need no closer look.
                text = cell if cell[0].isalnum() and cell[-1].isalnum() else _unguard(cell)
                if text in known:
                    if (value := known[text]) is not None:
                        arrival.values[column.field] = value
                elif text:
                    self._take_text(arrival, text, column, heading, kind, known)
            self._complete(arrival)
        except Refused as refused:
            return Fault(row.line, refused.column, refused.en, refused.ja)
        return arrival

    def read_object(self, row: Row) -> Arrival | Fault:
        """An object of NDJSON, with the members that the API takes; null empties a field."""
        if row.trouble is not None:
            return Fault(row.line, "", *row.trouble)
        arrival = Arrival(row.line, {})
        try:
            for name, value in cast(dict[str, Any], row.cells).items():
                self._take_member(arrival, name, value)
            self._complete(arrival)
        except Refused as refused:
            return Fault(row.line, refused.column, refused.en, refused.ja)
        return arrival

    def _take_text(
        self,
        arrival: Arrival,
        text: str,
        column: Column,
        heading: str,
        kind: FieldKind | None,
        known: dict[str, Any],
    ) -> None:
        if "\x00" in text:
            raise Refused(heading, "The cell holds a NUL character.", "セルにNUL文字が含まれています。")
        if kind is None:
            self._take_named(arrival, text, column, heading)
            return
        try:
            value = kind.read(text)
        except ValueError as error:
            raise _refuse(error, heading, kind.wrong_ja) from error
        if value is not None:
            arrival.values[column.field] = value
        if kind.repeats and len(text) < 100:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[text] = value

    def _take_named(self, arrival: Arrival, text: str, column: Column, heading: str) -> None:
        """An attribute, or what another system calls her."""
        if column.field == "attributes":
            arrival.attributes[column.name] = self._read_attribute(column.name, text, heading)
        else:
            arrival.external_ids.append((column.name, self._check("external_id", text, heading)))

    def _take_member(self, arrival: Arrival, name: str, value: Any) -> None:
        known = _MEMBERS.get(name, name)
        if known == "attributes":
            self._take_attributes(arrival, value)
        elif known == "external_ids":
            arrival.external_ids = self._read_external_ids(value)
        elif known not in self._kinds:
            raise Refused(name[:64], "There is no such member.", "この項目はありません。")
        elif value is None:
            arrival.cleared.append(known)
        else:
            arrival.values[known] = self._check(known, value, name)

    def _take_attributes(self, arrival: Arrival, value: Any) -> None:
        try:
            arrival.attributes = _check_attributes(compose(value))
        except ValueError as error:
            raise _refuse(error, "attributes", "属性の書き方が正しくありません。") from error
        if _holds_nul([*arrival.attributes, *arrival.attributes.values()]):
            raise Refused("attributes", "A text holds a NUL character.", "NUL文字が含まれています。")

    def _read_external_ids(self, value: Any) -> list[tuple[str, str]]:
        try:
            found = _check_external_ids(compose(value))
        except ValueError as error:
            raise _refuse(error, "external_ids", "他システムのIDの書き方が正しくありません。") from error
        if _holds_nul([one.id for one in found]):
            raise Refused("external_ids", "A text holds a NUL character.", "NUL文字が含まれています。")
        return [(one.system, one.id) for one in found]

    def _check(self, name: str, value: Any, heading: str) -> Any:
        kind = self._kinds[name]
        if _holds_nul(value if isinstance(value, list) else [value]):
            raise Refused(heading, "The text holds a NUL character.", "NUL文字が含まれています。")
        try:
            return kind.check(value)
        except ValueError as error:
            raise _refuse(error, heading, kind.wrong_ja) from error

    def _read_attribute(self, name: str, text: str, heading: str) -> Any:
        """A cell as a value of the type that the brand declared, or a text."""
        if len(text) > 1000:
            raise Refused(heading, "Texts have at most 1,000 characters.", "1,000文字以内で書いてください。")
        declared = self._around.attributes.get(name)
        plain = half_width(text)
        if declared is None or declared.type in ("text", "choice"):
            return text
        if declared.type == "number" and _NUMBER.fullmatch(plain.replace(",", "")):
            number = float(plain.replace(",", ""))
            return int(number) if number.is_integer() else number
        if declared.type == "boolean" and plain.casefold() in YES | NO:
            return plain.casefold() in YES
        if declared.type == "date":
            try:
                return self._kinds["birthday_on"].prepare(text)
            except ValueError:
                return text
        return text

    def _complete(self, arrival: Arrival) -> None:
        """Look up what the values name. Raises Refused."""
        values = arrival.values
        for name in ("store", "home_store"):
            if name in values:
                store = self._around.stores.get(values[name])
                if store is None and "noren_id" in values and values[name] in self._around.closed_stores:
                    del values[name]  # as the export wrote it: what she has stays
                    continue
                if store is None:
                    raise Refused(self._heading(name), "There is no such store.", "その店舗はありません。")
                values[name] = store
        for pointer, detail in find_faults(self._around.attributes, arrival.attributes, ""):
            name = pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")
            raise Refused(self._heading(f"attributes.{name}"), detail, "属性の値が、決められた型や選択肢に合いません。")
        if "line_user_id" in values and not self._around.has_account:
            raise Refused(
                self._heading("line_user_id"),
                "A LINE user id is one of an account: give `line_account_id` with the file.",
                "LINEユーザーIDにはアカウントの指定(line_account_id)が必要です。",
            )
        if "address" in values and (code := self._around.municipalities.find(values["address"])) is not None:
            values["found_code"] = code
        if not arrival.external_ids and values.keys().isdisjoint(KEYS):
            raise Refused(
                "",
                "Nothing names a person: a customer id, member number, phone, e-mail, LINE user id or Noren ID"
                " is needed.",
                "お客様を見分ける値がありません。Noren ID・顧客ID・会員番号・電話番号・メール・LINEユーザーIDの"
                "どれかが必要です。",
            )

    def _heading(self, name: str) -> str:
        """How the file heads a field; in NDJSON, where nothing is headed, the field itself."""
        return self._headings.get(name, name)


def _name_of(column: Column) -> str:
    return f"{column.field}.{column.name}" if column.name else column.field


def _unguard(cell: str) -> str:
    """A cell without spaces around it, and without what keeps spreadsheets from taking it for a formula or a figure."""
    text = cell.strip()
    if text.startswith(_GUARD) and text[1:2] in _GUARDED:
        return text[1:]
    if text.startswith('="') and (found := _FORMULA.fullmatch(text)) is not None:
        return found[1]
    return text


def _holds_nul(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and "\x00" in value for value in values)


def _refuse(error: ValueError, column: str, wrong_ja: str) -> Refused:
    if not isinstance(error, ValidationError):
        return Refused(column, _sentence(str(error)), wrong_ja)
    told = error.errors(include_url=False, include_input=False)[0]
    if told["type"] in ("string_too_long", "too_long") and told["ctx"].get("field_type") != "List":
        most = told["ctx"]["max_length"]
        return Refused(column, f"Is longer than {most:,} characters.", f"{most:,}文字を超えています。")
    return Refused(column, _sentence(str(told["msg"]).removeprefix("Value error, ")), wrong_ja)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
