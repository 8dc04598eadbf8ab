"""What holds for every text that is sent: the document says it where a schema says nothing narrower."""

from collections.abc import Iterator
from typing import Any

NO_NUL = "^[^\\u0000]*$"
_NARROWER = ("pattern", "format", "enum", "const")


def refuse_nul(document: dict[str, Any]) -> None:
    """Give every free text in parameters and bodies the pattern without NUL, which no database text can hold."""
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        if not path.startswith(("/v1", "/operator")):
            continue
        for operation in item.values():
            sent = [parameter["schema"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
            sent += [content["schema"] for content in operation.get("requestBody", {}).get("content", {}).values()]
            for schema in reachable(sent, schemas):
                if schema.get("type") == "string" and not any(name in schema for name in _NARROWER):
                    schema["pattern"] = NO_NUL


def reachable(roots: list[dict[str, Any]], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema within these, through references, each once."""
    waiting: list[Any] = list(roots)
    seen: set[int] = set()
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        if "$ref" in schema:
            waiting.append(schemas[schema["$ref"].rpartition("/")[2]])
        for name in ("properties", "$defs", "patternProperties"):
            waiting += schema.get(name, {}).values()
        for name in ("items", "additionalProperties", "not"):
            waiting.append(schema.get(name))
        for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
            waiting += schema.get(name, ())
