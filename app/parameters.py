"""What a query may hold: the names that the operation knows, each once, as text that the database can keep."""

import unicodedata
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi._compat import field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query

from app.problems import pointer_part
from tenants.problems import Invalid, NotFound


@dataclass(frozen=True, slots=True)
class KnownQuery:
    """The query parameters of one operation, read from its handler and everything the handler depends on."""

    names: frozenset[str]
    repeatable: frozenset[str]

    @classmethod
    def of(cls, dependant: Dependant) -> "KnownQuery":
        """What this operation knows."""
        fields = [field for field in get_flat_params(dependant) if isinstance(field.field_info, Query)]
        lists = [field for field in fields if field_annotation_is_sequence(field.field_info.annotation)]
        return cls(frozenset(field.alias for field in fields), frozenset(field.alias for field in lists))

    def check(self, query: list[tuple[str, str]]) -> None:
        """Raises Invalid for what is unknown, given twice, or cannot be kept as text."""
        errors: dict[str, str] = {}
        seen: set[str] = set()
        for name, value in query:
            pointer = f"/query/{pointer_part(name)}"
            if name not in self.names:
                errors[pointer] = "Is not known here."
            elif "\x00" in value:
                errors[pointer] = "Must not hold NUL."
            elif name in seen and name not in self.repeatable:
                errors[pointer] = "Must be given once."
            seen.add(name)
        if errors:
            raise Invalid([{"pointer": pointer, "detail": detail} for pointer, detail in sorted(errors.items())])


def read_parameters(request: Request, known: KnownQuery) -> None:
    """Check the query and the path, and bring both to the form (NFC) in which texts are kept.

    Raises Invalid with a pointer below /query, or NotFound: nothing has a name with NUL.
    """
    path = request.scope["path"]
    if "\x00" in path:
        raise NotFound
    if not path.isascii():
        values = request.scope["path_params"]
        request.scope["path_params"] = {name: _composed(value) for name, value in values.items()}
    raw = request.scope["query_string"]
    if not raw:
        return
    query = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    known.check(query)
    composed = [(name, _composed(value)) for name, value in query]
    if composed != query:
        request.scope["query_string"] = urlencode(composed).encode()


def _composed(value: str) -> str:
    return value if value.isascii() else unicodedata.normalize("NFC", value)
