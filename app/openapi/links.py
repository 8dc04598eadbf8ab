"""Links between operations: what was created or listed can be read, changed and deleted by the id in the answer."""

import re
from typing import Any

_ID = re.compile(r"\{(\w+)\}$")


def add_links(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Lead from every answer that holds ids to the operations on what they name.

    The resource itself leads to everything that can be done with it, a list to reading its first item, and the id of
    another resource (`coupon_id`) to reading that. Which id belongs where is told by its prefix.
    """
    resources = _find_resources(paths)
    for path, item in paths.items():
        for operation in item.values():
            for status, response in operation["responses"].items():
                schema = response.get("content", {}).get("application/json", {}).get("schema")
                if status.startswith("2") and schema:
                    links = _links_from(path, _follow(schema, schemas), paths, schemas, resources)
                    if links:
                        response["links"] = links


def _links_from(
    at: str,
    schema: dict[str, Any],
    paths: dict[str, Any],
    schemas: dict[str, Any],
    resources: dict[str, list[str]],
) -> dict[str, Any]:
    properties, source = schema.get("properties", {}), "$response.body#/"
    is_list = "items" in properties
    if is_list:
        properties = _follow(properties["items"].get("items", {}), schemas).get("properties", {})
        source += "items/0/"
    links: dict[str, Any] = {}
    for name, member in properties.items():
        found = resources.get(_pattern(member), [])
        if not found:
            continue
        # Keys of stores and of partners have ids alike: what is answered here is read here.
        one = next((path for path in found if at.startswith(path.rpartition("/")[0])), found[0])
        parameter = _ID.findall(one)[0]
        for path, item in paths.items():
            is_own = name == "id" and not is_list
            if path == one or (is_own and path.startswith(f"{one}/")):
                for method, operation in item.items():
                    if method == "get" or is_own:
                        link = {"operationId": operation["operationId"]}
                        links.setdefault(
                            link["operationId"], link | {"parameters": {f"path.{parameter}": source + name}}
                        )
    return links


def _find_resources(paths: dict[str, Any]) -> dict[str, list[str]]:
    """The paths of one resource by the pattern of its ids: `^store_…$` → /v1/stores/{store_id}."""
    found: dict[str, list[str]] = {}
    for path, item in paths.items():
        name = _ID.findall(path)
        for parameter in item.get("get", {}).get("parameters", ()):
            if name == [parameter["name"]] and parameter["in"] == "path" and path.count("{") == 1:
                found.setdefault(_pattern(parameter["schema"]), []).append(path)
    found.pop("", None)
    return found


def _pattern(schema: dict[str, Any]) -> str:
    """The pattern of an id, null or not; empty for what is none."""
    for one in (schema, *schema.get("anyOf", ())):
        if "pattern" in one:
            return str(one["pattern"])
    return ""


def _follow(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema
