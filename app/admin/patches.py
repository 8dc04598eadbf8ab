"""JSON merge patches (RFC 7396): fields that may be left out, and documents that are merged before they are checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.problems import malformed

Checked = TypeVar("Checked", bound=BaseModel)


def absent() -> Any:
    """The default of a field that may be left out of a PATCH but may not be null: `Field(default_factory=absent)`."""
    return None


def changes_of(body: BaseModel) -> dict[str, Any]:
    """The fields that a PATCH names, with their values."""
    return {name: getattr(body, name) for name in type(body).model_fields if name in body.model_fields_set}


def merge(current: Mapping[str, Any] | None, patch: Mapping[str, Any]) -> dict[str, Any]:
    """A document with a patch merged in: null takes a member out, objects merge, everything else is replaced."""
    merged = dict(current or {})
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inside = merged.get(name)
            merged[name] = merge(inside if isinstance(inside, Mapping) else None, value)
        else:
            merged[name] = value
    return merged


def check(model: type[Checked], document: Mapping[str, Any], field: str) -> Checked:
    """A merged document as its schema reads it. Raises Invalid with pointers below `field`."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = ({**one, "loc": ("body", field, *one["loc"])} for one in error.errors())
        raise malformed(found) from error
