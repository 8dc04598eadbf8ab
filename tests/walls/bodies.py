"""Requests that are right in everything but, where wanted, in one id."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.walls import vocabulary
from tests.walls.calls import Request
from tests.walls.document import Document, Operation, Slot
from tests.walls.vocabulary import Own, Uncovered

_TYPE_ID = re.compile(r"^\^([a-z]+)_\[0-7\]")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Writer:
    """Writes requests of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._operation = ""

    def write(
        self,
        operation: Operation,
        own: Own,
        values: Mapping[Slot, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        """A request with the caller's own ids everywhere but in the places of `values`."""
        wanted = dict(values or {})
        in_path = {slot.name: value for slot, value in wanted.items() if slot.where == "path"}
        kinds = {slot.name: slot for slot in operation.slots_of("path")}
        self._operation = operation.name

        def fill(found: re.Match[str]) -> str:
            name = found[1]
            if name in vocabulary.DATA:
                return vocabulary.DATA[name]
            return in_path.get(name) or _own(kinds[name], own)

        path = _PLACEHOLDER.sub(fill, operation.path)
        query = {name: str(self._example(schema, name, own)) for name, schema in operation.required}
        query |= {slot.name: value for slot, value in wanted.items() if slot.where == "query"}
        sent = {slot.name.lower(): value for slot, value in wanted.items() if slot.where == "header"}
        body = None
        if operation.body is not None:
            body = self._example(operation.body, "", own)
            for slot, value in wanted.items():
                if slot.where == "body":
                    body = self._put(operation.body, "", slot.path, slot.wrap(value), own, body)
        return Request(operation.method, path, query, body, {**sent, **(headers or {})}, operation.media_type)

    def _example(self, schema: Mapping[str, Any], name: str, own: Own) -> Any:
        """The least that a schema takes."""
        component, one = self.document.resolve(self.document.variants(schema)[0])
        if component is None and one is not schema and len(self.document.variants(one)) > 1:
            return self._example(one, name, own)
        if "properties" in one:
            body = {member: self._example(one["properties"][member], member, own) for member in one.get("required", ())}
            base = vocabulary.BASES.get(component or "")
            return {**body, **(base(own) if base else {})}
        if "const" in one or "enum" in one:
            return one.get("const", one.get("enum", [None])[0])
        match one.get("type"):
            case "array":
                return [self._example(one["items"], name, own)] * max(1, one.get("minItems", 0))
            case "integer" | "number":
                return _number(one, name)
            case "boolean":
                return False
            case "string":
                return self._text(one, name, own)
        if name not in vocabulary.FREE:
            raise Uncovered(f"the free document {name!r}: say in FREE what it may look like")
        return vocabulary.FREE[name].example

    def _text(self, schema: Mapping[str, Any], name: str, own: Own) -> str:
        found = _TYPE_ID.match(schema.get("pattern", ""))
        if found:
            return own(vocabulary.kind_of_id(self._operation, found[1]))
        if name in vocabulary.ANY_IDS:
            return own(vocabulary.ANY_IDS[name][0])
        if schema.get("format") == "date-time":
            if name in vocabulary.SPANS:
                return vocabulary.SPANS[name]
            return "2026-06-01T03:00:00Z" if name.endswith("ed_at") else "2027-06-01T03:00:00Z"
        if schema.get("format") == "date":
            return "2026-06-01"
        if name in vocabulary.DATA:
            return vocabulary.DATA[name]
        if name in vocabulary.KEYS:
            return own(vocabulary.KEYS[name].replace("~", "~new_"))
        raise Uncovered(f"the text {name!r}: say in DATA or KEYS of tests/walls/vocabulary.py what it is")

    def _put(
        self, schema: Mapping[str, Any], name: str, path: tuple[str | int, ...], value: Any, own: Own, body: Any
    ) -> Any:
        """The body with a value at a path; what is missing on the way there is made, what excludes it is taken out."""
        variants = self.document.variants(schema)
        chosen = 0
        if path and isinstance(path[0], str) and path[0].startswith("|"):
            chosen = int(path[0][1:])
            path = path[1:]
        if not path:
            return value
        component, one = self.document.resolve(variants[chosen])
        if len(self.document.variants(one)) > 1:
            return self._put(one, name, path, value, own, body)
        if "properties" in one:
            member = str(path[0])
            here = (
                dict(body)
                if isinstance(body, dict) and chosen == 0
                else dict(self._example(variants[chosen], name, own))
            )
            for group in vocabulary.EXCLUSIVE.get(component or "", ()):
                if member in group:
                    here = {key: kept for key, kept in here.items() if key == member or key not in group}
            here[member] = self._put(one["properties"][member], member, path[1:], value, own, here.get(member))
            return here
        return [
            self._put(one["items"], name, path[1:], value, own, body[0] if isinstance(body, list) and body else None)
        ]


def _own(slot: Slot, own: Own) -> str:
    return own(slot.kind)


def _number(schema: Mapping[str, Any], name: str) -> int | float:
    places = {"lat": 35.69, "lng": 139.7, "latitude": 35.69, "longitude": 139.7}
    least: int | float = schema.get("minimum", 1)
    return places.get(name, max(1, least) if schema.get("maximum", 2) >= 1 else least)


def own_things(make: Callable[[str], str], new_key: Callable[[str], str], keys: Mapping[str, Callable[[], str]]) -> Own:
    """A caller's own ids: each kind made once, `cus#2` a second time; `~new_…` are keys that nobody has."""
    kept: dict[str, str] = {}

    def own(kind: str) -> str:
        if kind.startswith("~new_"):
            return new_key("~" + kind.removeprefix("~new_"))
        if kind not in kept:
            kept[kind] = keys[kind]() if kind in keys else make(kind.partition("#")[0])
        return kept[kind]

    return own
