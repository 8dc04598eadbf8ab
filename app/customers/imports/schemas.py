"""What a caller says of a file, in the query."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query

from app.schemas import Name

Encoding = Annotated[
    Literal["auto", "utf-8", "cp932"],
    Query(description="How a CSV is written; Excel in Japan writes CP932 unless told otherwise. NDJSON is UTF-8."),
]
Delimiter = Annotated[
    Literal["auto", "comma", "tab", "semicolon", "pipe"], Query(description="What stands between the cells of a CSV.")
]
Mapping = Annotated[
    str | None,
    Query(
        max_length=20_000,
        description='Which heading is which field, as JSON: `{"お名前": "name", "サイズ": "attributes.size", '
        '"POS番号": "external_ids.pos", "備考": "ignore"}`. Headings that it does not name are recognised.',
        examples=['{"お名前": "name"}'],
    ),
]
TagName = Annotated[Name | None, Query(description="A tag for all of them; made if there is none of this name.")]
DryRun = Annotated[bool, Query(description="Only find out what it would come to.")]

_CSV_EXAMPLE: Final = "会員番号,氏名,フリガナ,電話番号,タグ\r\nM-000123,髙橋 花子,ﾀｶﾊｼ ﾊﾅｺ,090-1234-5678,常連\r\n"
_NDJSON_EXAMPLE: Final = '{"member_number": "M-000123", "name": "髙橋 花子", "tags": ["常連"]}\n'
FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The file, as it is or with `Content-Encoding: gzip`.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
            "application/x-ndjson": {"schema": {"type": "string"}, "example": _NDJSON_EXAMPLE},
        },
    }
}
