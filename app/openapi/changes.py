"""What breaks between two versions of the document: callers of the older must be served by the newer as before.

What is sent may only become wider, what is answered only narrower, and nothing may go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems")


def list_breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Each breaking change in a sentence that begins with its place; empty when callers need not care."""
    return [f"{where}: {what}" for where, what in _Comparison(old, new).breaks()]


Break = tuple[str, str]
"""Where, and what."""
Above = frozenset[tuple[str, str]]
"""Names of the schemas that are being compared further up."""


@dataclass(frozen=True)
class _Comparison:
    old: dict[str, Any]
    new: dict[str, Any]

    def breaks(self) -> Iterator[Break]:
        for path, item in self.old["paths"].items():
            for method, operation in item.items():
                where = f"{method.upper()} {path}"
                now = self.new["paths"].get(path, {}).get(method)
                if now is None:
                    yield where, "is gone"
                else:
                    yield from self._operation(where, operation, now)

    def _operation(self, where: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Break]:
        if old["operationId"] != new["operationId"]:
            yield where, f"is no longer called {old['operationId']}"
        yield from self._security(where, old.get("security", []), new.get("security", []))
        yield from self._parameters(where, old, new)
        yield from self._request(where, old.get("requestBody", {}), new.get("requestBody", {}))
        for status, response in old["responses"].items():
            there = f"{where} → {status}"
            now = new["responses"].get(status)
            if now is None and status.startswith("2"):
                yield there, "is no longer answered"
            elif now is not None:
                yield from self._response(there, response, now)
        for status in new["responses"]:
            if status.startswith("2") and status not in old["responses"]:
                yield f"{where} → {status}", "is answered now"

    def _security(
        self, where: str, old: list[dict[str, list[str]]], new: list[dict[str, list[str]]]
    ) -> Iterator[Break]:
        for requirement in old:
            names = ", ".join(f"{scheme} {' '.join(scopes)}".strip() for scheme, scopes in requirement.items())
            if not any(_is_weaker(requirement, other) for other in new):
                yield where, f"no longer takes {names or 'callers without a credential'}"

    def _parameters(self, where: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Break]:
        before = {(one["in"], one["name"]): one for one in old.get("parameters", ())}
        after = {(one["in"], one["name"]): one for one in new.get("parameters", ())}
        for key, parameter in before.items():
            there = f"{where} {key[0]} {key[1]}"
            if key not in after:
                yield there, "is gone"
                continue
            if after[key].get("required") and not parameter.get("required"):
                yield there, "is required now"
            yield from self._schema(there, parameter["schema"], after[key]["schema"], sent=True)
        for key, parameter in after.items():
            if key not in before and parameter.get("required"):
                yield f"{where} {key[0]} {key[1]}", "is new and required"

    def _request(self, where: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Break]:
        if new.get("required") and not old.get("required"):
            yield f"{where} body", "is required now"
        for media_type, content in old.get("content", {}).items():
            there = f"{where} body"
            now = new.get("content", {}).get(media_type)
            if now is None:
                yield there, f"is no longer taken as {media_type}"
            else:
                yield from self._schema(there, content["schema"], now["schema"], sent=True)

    def _response(self, where: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Break]:
        for name in old.get("headers", {}):
            if name not in new.get("headers", {}):
                yield f"{where} header {name}", "is gone"
        for media_type, content in old.get("content", {}).items():
            now = new.get("content", {}).get(media_type)
            if now is None:
                yield where, f"is no longer answered as {media_type}"
            else:
                yield from self._schema(where, content.get("schema", {}), now.get("schema", {}), sent=False)

    def _schema(
        self, where: str, old: dict[str, Any], new: dict[str, Any], *, sent: bool, above: Above = frozenset()
    ) -> Iterator[Break]:
        """Breaks of a schema: of what is sent the new one must accept all that the old one did, else the reverse."""
        names = (old.get("$ref", ""), new.get("$ref", ""))
        if names in above:
            return  # a schema within itself
        above |= {names} - {("", "")}
        before, after = _options(_follow(old, self.old), self.old), _options(_follow(new, self.new), self.new)
        wide, narrow = (after, before) if sent else (before, after)
        for option in narrow:
            if not any(_kind(other) in (_kind(option), "") for other in wide):
                yield where, f"{'no longer takes' if sent else 'may now be'} {_kind(option) or 'anything'}"
        for option in before:
            fitting = [other for other in after if _kind(other) == _kind(option)]
            found = [list(self._option(where, option, other, sent=sent, above=above)) for other in fitting]
            yield from min(found, key=len, default=[])

    def _option(
        self, where: str, old: dict[str, Any], new: dict[str, Any], *, sent: bool, above: Above
    ) -> Iterator[Break]:
        yield from _limits(where, old, new, sent=sent)
        yield from self._members(where, old, new, sent=sent, above=above)
        if "items" in old or "items" in new:
            items = old.get("items", {}), new.get("items", {})
            yield from self._schema(f"{where}[]", *items, sent=sent, above=above)

    def _members(
        self, where: str, old: dict[str, Any], new: dict[str, Any], *, sent: bool, above: Above
    ) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
        for name, member in before.items():
            there = f"{where}.{name}"
            if name not in after:
                yield there, "is gone"
            else:
                yield from self._schema(there, member, after[name], sent=sent, above=above)
        if sent:
            for name in sorted(must_after - must_before):
                yield f"{where}.{name}", "is required now"
            if _is_open(old) and not _is_open(new):
                yield where, "no longer takes other members"
        else:
            for name in sorted((must_before - must_after) & set(after)):
                yield f"{where}.{name}", "may be missing now"


def _is_weaker(old: dict[str, list[str]], new: dict[str, list[str]]) -> bool:
    """Whether who satisfies the old requirement satisfies the new one."""
    return all(scheme in old and set(scopes) <= set(old[scheme]) for scheme, scopes in new.items())


def _limits(where: str, old: dict[str, Any], new: dict[str, Any], *, sent: bool) -> Iterator[Break]:
    tight, loose = (new, old) if sent else (old, new)
    verb = "is narrower now" if sent else "is wider now"
    for name in _UPPER:
        if name in tight and (name not in loose or tight[name] < loose[name]):
            yield where, f"{verb}: {name} {old.get(name, 'none')} → {new.get(name, 'none')}"
    for name in _LOWER:
        if name in tight and (name not in loose or tight[name] > loose[name]):
            yield where, f"{verb}: {name} {old.get(name, 'none')} → {new.get(name, 'none')}"
    for name in _EXACT:
        if name in tight and tight[name] != loose.get(name):
            yield where, f"{name} was {old.get(name, 'none')} and is {new.get(name, 'none')}"
    choices, others = _choices(tight), _choices(loose)
    if choices is not None and (others is None or not set(others) <= set(choices)):
        lost = "anything" if others is None else ", ".join(sorted(set(others) - set(choices)))
        yield where, f"{'no longer takes' if sent else 'may now be'} {lost}"


def _choices(schema: dict[str, Any]) -> list[str] | None:
    if "const" in schema:
        return [repr(schema["const"])]
    return [repr(choice) for choice in schema["enum"]] if "enum" in schema else None


def _is_open(schema: dict[str, Any]) -> bool:
    return schema.get("additionalProperties", True) is not False


def _kind(schema: dict[str, Any]) -> str:
    """What tells the options of a union apart: the type, and of objects the title."""
    kind = str(schema.get("type", ""))
    return f"object {schema.get('title', '')}".strip() if kind == "object" and "properties" in schema else kind


def _follow(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _options(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for one in schema.get("anyOf") or schema.get("oneOf") or ():
        found += _options(_follow(one, document), document)
    if found:
        return found
    kinds = schema.get("type")
    return [{**schema, "type": kind} for kind in kinds] if isinstance(kinds, list) else [schema]
