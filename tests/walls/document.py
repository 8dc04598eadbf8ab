"""What the API takes, read from its own document: operations, and in each the places where an id goes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.walls import vocabulary
from tests.walls.vocabulary import HOLE, Uncovered

METHODS = ("get", "post", "put", "patch", "delete")
_TYPE_ID = re.compile(r"^\^([a-z]+)_\[0-7\]")
_SEVERAL = re.compile(r"^\^(\[a-z\]\{2,10\}|\([a-z|]+\))_\[0-7\]")
"""Ids of any kind, or of several."""
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Slot:
    """A place of an operation that takes an id, a key of the brand's own, a cursor, a version or a request's key."""

    where: str
    """`path`, `query`, `body` or `header`."""
    name: str
    kind: str
    """A TypeID's prefix; or `~phone` and the like for keys; or `cursor`, `etag`, `request-key`."""
    path: Path = ()
    """Where it stands in the body."""
    template: Any = field(default=HOLE, hash=False)
    """What is put there, with the id in the place of HOLE."""

    def __str__(self) -> str:
        pointer = "/" + "/".join(str(part) for part in self.path) if self.path else self.name
        several = f" as {self.kind}" if self.name in vocabulary.ANY_IDS else ""
        return f"{self.where}:{pointer}{several}" + ("" if self.template is HOLE else f" ({_shorten(self.template)})")

    @property
    def is_id(self) -> bool:
        """Whether a TypeID goes here."""
        return self.kind not in ("cursor", "etag", "request-key") and not self.is_key

    @property
    def is_key(self) -> bool:
        """Whether a key goes here that people or partners gave: a phone number, a coupon's code."""
        return self.kind.startswith("~")

    def wrap(self, value: str) -> Any:
        """What to send for this value."""
        return vocabulary.fill_hole(self.template, value)


def _shorten(template: Any) -> str:
    if isinstance(template, dict):
        return " ".join(_shorten(value) for value in template.values())
    if isinstance(template, list):
        return "[" + " ".join(_shorten(value) for value in template) + "]"
    return "…" if template is HOLE else str(template)


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    permission: str | None
    body: Mapping[str, Any] | None = field(hash=False)
    media_type: str | None
    slots: tuple[Slot, ...]
    required: tuple[tuple[str, Mapping[str, Any]], ...] = field(hash=False)
    """Query parameters that must be sent: name and schema."""

    @property
    def name(self) -> str:
        """As people call it: `GET /v1/me`."""
        return f"{self.method} {self.path}"

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"

    def slots_of(self, *wheres: str) -> list[Slot]:
        """The places of these kinds."""
        return [slot for slot in self.slots if slot.where in wheres]


class Document:
    """The OpenAPI document, with its references followed."""

    def __init__(self, openapi: Mapping[str, Any]) -> None:
        self.openapi = openapi
        self.schemas: Mapping[str, Any] = openapi["components"]["schemas"]

    def resolve(self, schema: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
        """A schema without references, and the name of the component that it was."""
        name = None
        while "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            schema = self.schemas[name]
        return name, schema

    def variants(self, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What a schema allows but null."""
        _, resolved = self.resolve(schema)
        for word in ("anyOf", "oneOf"):
            if word in resolved:
                return [one for one in resolved[word] if one.get("type") != "null"]
        return [schema]

    def list_names(self) -> list[str]:
        """The name of every operation, in the order of the document."""
        return [
            f"{method.upper()} {path}"
            for path, methods in self.openapi["paths"].items()
            for method in methods
            if method in METHODS
        ]

    def read(self, name: str) -> Operation:
        """One operation. Raises Uncovered where it holds something that the walls do not know."""
        method, _, path = name.partition(" ")
        return self._operation(method.lower(), path, self.openapi["paths"][path][method.lower()])

    def _operation(self, method: str, path: str, item: Mapping[str, Any]) -> Operation:
        contents: Mapping[str, Any] = item.get("requestBody", {}).get("content", {})
        media_type = next(iter(contents), None)
        body = contents[media_type]["schema"] if media_type else None
        parameters = item.get("parameters", [])
        name = f"{method.upper()} {path}"
        slots = [slot for one in parameters for slot in self._parameter(name, one)]
        if body is not None:
            slots += self._leaves(name, body, "", ())
        required = tuple(
            (str(one["name"]), one["schema"]) for one in parameters if one["in"] == "query" and one.get("required")
        )
        permission = item.get("x-permission")
        return Operation(method.upper(), path, permission, body, media_type, tuple(slots), required)

    def _parameter(self, operation: str, parameter: Mapping[str, Any]) -> Iterator[Slot]:
        name, where = str(parameter["name"]), str(parameter["in"])
        if where == "header":
            kind = vocabulary.HEADERS.get(name.lower())
            if kind is None:
                raise Uncovered(f"{operation} takes the header {name}: say in HEADERS what it is")
            if kind != "data":
                yield Slot(where, name, kind)
            return
        for slot in self._leaves(operation, parameter["schema"], name, ()):
            yield Slot(where, name, slot.kind, (), slot.template)

    def _leaves(self, operation: str, schema: Mapping[str, Any], name: str, path: Path) -> Iterator[Slot]:
        """The places below a schema; `name` is that of the nearest member."""
        several = self.variants(schema)
        for number, variant in enumerate(several):
            here = (*path, f"|{number}") if len(several) > 1 else path
            _, one = self.resolve(variant)
            if len(self.variants(one)) > 1:
                yield from self._leaves(operation, one, name, here)
            elif "properties" in one:
                for member, inner in one["properties"].items():
                    yield from self._leaves(operation, inner, member, (*here, member))
            elif one.get("type") == "array":
                yield from self._leaves(operation, one.get("items", {}), name, (*here, 0))
            else:
                yield from self._leaf(operation, one, name, here)

    def _leaf(self, operation: str, schema: Mapping[str, Any], name: str, path: Path) -> Iterator[Slot]:
        if schema.get("type") in ("integer", "number", "boolean") or "enum" in schema or "const" in schema:
            return
        if schema.get("type") != "string":
            yield from (Slot("body", name, kind, path, template) for template, kind in _free(operation, name))
            return
        found = _TYPE_ID.match(schema.get("pattern", ""))
        if found:
            yield Slot("body", name, vocabulary.kind_of_id(operation, found[1]), path)
        elif _SEVERAL.match(schema.get("pattern", "")):
            if name not in vocabulary.ANY_IDS:
                raise Uncovered(f"{operation} takes an id of any kind as {name!r}: say in ANY_IDS of which")
            for kind in vocabulary.ANY_IDS[name]:
                yield Slot("body", name, kind, path)
        elif schema.get("format") not in ("date", "date-time"):
            kind = vocabulary.kind_of_text(operation, name)
            if kind != "data":
                yield Slot("body", name, kind, path)


def _free(operation: str, name: str) -> list[tuple[Any, str]]:
    """What a member without a schema may hold: each template with its id. Raises Uncovered for an unknown one."""
    if name not in vocabulary.FREE:
        raise Uncovered(f"{operation} takes the free document {name!r}: say in FREE which ids it may hold")
    return list(vocabulary.FREE[name].templates)
