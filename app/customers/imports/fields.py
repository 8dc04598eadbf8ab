"""How the value of each field is read: out of a cell as people and Excel write it, or out of JSON as the API takes it.

What is accepted, and how it is kept, the API's own schema says; here only the ways of writing are brought to its form.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter

from app.customers.schemas import CustomerUpsert
from app.customers.spelling import half_width
from app.schemas import Instant, Name, TypeId, Verbatim, compose

LineUserId = Annotated[str, Field(pattern="^U[0-9a-f]{32}$")]
Status = Literal["following", "blocked", "unknown"]
Tags = Annotated[list[Name], Field(max_length=50)]

MOST_TAGS = 50


def _no_usual(text: str) -> str | None:
    return None


@dataclass(frozen=True)
class FieldKind:
    """How one field is read, and what to tell a person when it cannot be."""

    prepare: Callable[[str], Any]
    """Brings a cell to the form that the API takes. Raises ValueError."""
    check: Callable[[Any], Any]
    """What is kept of a value. Raises ValueError."""
    wrong_ja: str
    usual: Callable[[str], str | None] = _no_usual
    """What is kept of a cell that is written as most are, found without the detours; None for all others."""
    repeats: bool = True
    """Whether one value is many people's, so that it pays to remember what came of it."""

    def read(self, text: str) -> Any:
        """What is kept of a cell; None for one that says nothing. Raises ValueError."""
        kept = self.usual(text)
        if kept is not None:
            return kept
        value = self.prepare(text)
        return None if value is None else self.check(value)


def _api(name: str) -> Callable[[Any], Any]:
    """The API's own check of a field of a customer."""
    info = CustomerUpsert.model_fields[name]
    kind: Any = Annotated[(info.annotation, None, *info.metadata)]
    validate = TypeAdapter(kind).validator.validate_python
    return validate if Verbatim in info.metadata else lambda value: validate(compose(value))


def _own(kind: Any) -> Callable[[Any], Any]:
    validate = TypeAdapter(kind).validator.validate_python
    return lambda value: validate(compose(value))


_CUT_PHONE = re.compile("[789]0[0-9]{8}")
_ROUNDED = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]+0?0:00(?::00)?)?")
_COMPACT_DATE = re.compile("([0-9]{4})([0-9]{2})([0-9]{2})")
_ERA_DATE = re.compile(r"(明治|大正|昭和|平成|令和|[MTSHR])([0-9]{1,2}|元)[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_ERAS: Final = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERAS_BY_LETTER: Final = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_INSTANT = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_GENDERS: Final = {
    **dict.fromkeys(("男", "男性", "m", "male", "1"), "male"),
    **dict.fromkeys(("女", "女性", "f", "female", "2"), "female"),
    **dict.fromkeys(("その他", "他", "other", "9"), "other"),
    **dict.fromkeys(("不明", "未回答", "無回答", "未設定", "unknown", "0", "-"), None),
}
_FOLLOWING = "following 友だち 友達 有効 フォロー フォロー中 未ブロック false 0 no いいえ -"
_BLOCKED = "blocked ブロック ブロック中 ブロック済 ブロック済み true 1 yes はい ○ 〇 ●"
_STATUSES: Final = {
    **dict.fromkeys(_FOLLOWING.split(), "following"),
    **dict.fromkeys(_BLOCKED.split(), "blocked"),
    "不明": "unknown",
}
YES: Final = frozenset({"true", "1", "yes", "はい", "有", "○", "〇", "●"})
NO: Final = frozenset({"false", "0", "no", "いいえ", "無", "×", "-"})


_USUAL_PHONE = re.compile("0[1-9][0-9]{0,3}-?[0-9]{1,4}-?[0-9]{4}")
_USUAL_EMAIL = re.compile(r"[a-z0-9][a-z0-9._+-]{0,80}@[a-z0-9-]{1,80}(?:\.[a-z0-9-]{1,80}){1,2}")
_USUAL_NUMBER = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,100}")


def _usual_phone(text: str) -> str | None:
    if not _USUAL_PHONE.fullmatch(text):
        return None
    digits = text.replace("-", "")
    return f"+81{digits[1:]}" if len(digits) in (10, 11) else None


def _usual_email(text: str) -> str | None:
    return text if _USUAL_EMAIL.fullmatch(text) else None


def _usual_number(text: str) -> str | None:
    return text if _USUAL_NUMBER.fullmatch(text) else None


def _as_it_is(text: str) -> str:
    return text


def _prepare_number(text: str) -> str:
    """A number that names somebody, such as a member's. Raises ValueError for what Excel has rounded."""
    plain = half_width(text)
    if _ROUNDED.fullmatch(plain):
        raise ValueError("was rounded by Excel, which took it for a figure; format the column as text")
    return plain


def _prepare_phone(text: str) -> str:
    plain = _prepare_number(text)
    # Excel takes 09012345678 for a figure and drops the zero; no Japanese number begins without one.
    return f"0{plain}" if _CUT_PHONE.fullmatch(plain) else plain


def read_date(text: str) -> str:
    """A date such as 1990/4/1, 19900401, 1990年4月1日 or S55.4.1, as the API takes it. Raises ValueError."""
    plain = half_width(text)
    found = _DATE.fullmatch(plain) or _COMPACT_DATE.fullmatch(plain)
    if found is not None:
        year = int(found[1])
    elif (found := _ERA_DATE.fullmatch(plain)) is not None:
        era = _ERAS_BY_LETTER.get(found[1], found[1])
        year = _ERAS[era] + (1 if found[2] == "元" else int(found[2]))
    else:
        raise ValueError("must be a date such as 1990-04-01")
    month, day = (int(part) for part in found.groups()[-2:])
    try:
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise ValueError("is not a date of the calendar") from error


def read_instant(text: str, zone: ZoneInfo) -> str:
    """An instant such as 2024/03/01 12:34, in the brand's zone where it says none, as the API takes it.

    Raises ValueError.
    """
    plain = half_width(text)
    found = _INSTANT.fullmatch(plain)
    if found is None:
        return plain
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).isoformat()
    except ValueError as error:
        raise ValueError("is not a time of the calendar") from error


def _prepare_gender(text: str) -> str | None:
    plain = half_width(text).casefold()
    return _GENDERS.get(plain, plain)


def _prepare_status(text: str) -> str:
    plain = half_width(text).casefold()
    return _STATUSES.get(plain, plain)


def _prepare_tags(text: str) -> list[str]:
    return [tag for part in re.split(r"[,、，;；|｜\n]", text) if (tag := part.strip())]


def list_kinds(zone: ZoneInfo) -> dict[str, FieldKind]:
    """How each field is read; times without a zone are of this one."""
    instant = FieldKind(
        lambda text: read_instant(text, zone),
        _own(Instant),
        "日時として読めません。2024-03-01 や 2024/03/01 12:34 のように書いてください。",
    )
    return {
        "noren_id": FieldKind(
            _as_it_is,
            TypeId("cus").read,
            "Noren IDとして読めません。書き出したファイルの cus_ で始まる値をそのまま使ってください。",
            repeats=False,
        ),
        "external_id": FieldKind(
            _prepare_number,
            _api("external_id"),
            "顧客IDとして使えません。200文字以内の1行で書いてください。",
            usual=_usual_number,
            repeats=False,
        ),
        "member_number": FieldKind(
            _prepare_number,
            _api("member_number"),
            "会員番号として使えません。200文字以内の1行で書いてください。",
            usual=_usual_number,
            repeats=False,
        ),
        "name": FieldKind(_as_it_is, _api("name"), "名前として使えません。200文字以内の1行で書いてください。"),
        "kana": FieldKind(_as_it_is, _api("kana"), "フリガナとして読めません。カナで書いてください。"),
        "phone": FieldKind(
            _prepare_phone,
            _api("phone"),
            "電話番号として読めません。090-1234-5678 のように書いてください。",
            usual=_usual_phone,
            repeats=False,
        ),
        "email": FieldKind(
            half_width, _api("email"), "メールアドレスとして読めません。", usual=_usual_email, repeats=False
        ),
        "birthday_on": FieldKind(
            read_date,
            _api("birthday_on"),
            "生年月日として読めません。1990-04-01 のように書いてください。",
        ),
        "gender": FieldKind(_prepare_gender, _api("gender"), "性別は 男性・女性・その他 のどれかで書いてください。"),
        "postal_code": FieldKind(
            half_width, _api("postal_code"), "郵便番号として読めません。150-0001 のように書いてください。"
        ),
        "address": FieldKind(_as_it_is, _api("address"), "住所として使えません。1行で書いてください。"),
        "municipality_code": FieldKind(
            half_width, _api("municipality_code"), "市区町村コードとして読めません。13113 のように5桁で書いてください。"
        ),
        "home_store": FieldKind(half_width, _own(Name), "その店舗はありません。"),
        "store": FieldKind(half_width, _own(Name), "その店舗はありません。"),
        "tags": FieldKind(
            _prepare_tags,
            _own(Tags),
            "タグとして使えません。50個まで、1つ200文字以内で書いてください。",
        ),
        "first_seen_at": instant,
        "followed_at": instant,
        "line_user_id": FieldKind(
            _as_it_is,
            _own(LineUserId),
            "LINEユーザーIDは U と32桁の16進数です。表示名やLINE IDではありません。",
            repeats=False,
        ),
        "display_name": FieldKind(
            _as_it_is,
            _own(Annotated[str, Field(max_length=200)]),
            "表示名として使えません。200文字以内で書いてください。",
            repeats=False,
        ),
        "friend_status": FieldKind(_prepare_status, _own(Status), "友だち・ブロック・不明 のどれかで書いてください。"),
    }
