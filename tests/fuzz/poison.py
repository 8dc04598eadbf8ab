"""Poison at every place of every operation: what is sent where, and what an answer must look like."""

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any, TypeVar
from urllib.parse import quote_from_bytes

import jsonschema_rs

from app.openapi.examples import example_of
from tests.document import document
from tests.fuzz.corpus import CORPUS, HEADERS, PLAIN
from tests.fuzz.world import Operation, World, every_operation

PLACE = "\u0001here\u0001"
_QUOTED = json.dumps(PLACE)
_ANY_HEADERS = ("Request-Id", "Accept", "Content-Type", "Content-Encoding", "Authorization", "Cookie")
"""Headers that every operation reads by the same code, beside those of its own; each gets an eighth of the values."""
_NOT_FOR_REAL = ("launch_campaign", "delete_brand", "suspend_brand")
"""Operations that would end what other attempts need."""
_NAMES = {name: text for name, text in CORPUS.items() if text.startswith('"')}
_DEEPEST = 7

Place = tuple[str | int, ...]
Poison = TypeVar("Poison", str, bytes)


@dataclass(frozen=True)
class Attempt:
    """One request with one poison in one place."""

    operation: Operation
    label: str
    """What is tried, in words that find it again."""
    path: str
    headers: dict[str, bytes] = field(default_factory=dict)
    content: bytes | None = None
    is_path: bool = False


Chooser = Callable[[str], bool]
"""Whether an attempt of this label is made."""


def sample(share: float, seed: str) -> Chooser:
    """Chooses a share of all attempts, the same ones for the same seed."""

    def is_chosen(label: str) -> bool:
        digest = blake2b(f"{seed}:{label}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) < share * 2**32

    return is_chosen


_EIGHTH = sample(1 / 8, "headers")


def all_of_it(label: str) -> bool:
    """Chooses everything."""
    return True


def attempts(world: World, operation: Operation, is_chosen: Chooser = all_of_it) -> Iterator[Attempt]:
    """Every poison at every place of one operation, or those that are chosen."""
    aim = _Aim(world, operation, is_chosen)
    for parameter in operation.parameters:
        name, where = parameter["name"], parameter["in"]
        if where == "path":
            for label, raw in aim.at(f"path {name}", PLAIN):
                path = world.path(operation, harmless=aim.harmless, **{name: _escape_part(raw)}) + aim.query
                yield Attempt(operation, label, path, content=aim.content, is_path=True)
        elif where == "query":
            for label, raw in aim.at(f"query {name}", PLAIN):
                yield Attempt(operation, label, _with_query(aim.path, name, _escape(raw)), content=aim.content)
    for label, raw in aim.at("the name of a query", PLAIN):
        yield Attempt(operation, label, _with_query(aim.path, _escape(raw), "1"), content=aim.content)
    own = [one["name"] for one in operation.parameters if one["in"] == "header"]
    for name in (*own, *_ANY_HEADERS):
        for label, raw in aim.at(f"header {name}", HEADERS):
            if name in own or _EIGHTH(label):
                yield Attempt(operation, label, aim.path, {name: raw}, aim.content)
    if operation.body is not None:
        yield from _attempts_in_body(aim, operation.body["schema"])


class _Aim:
    """One operation as it is called when nothing is wrong, and what is chosen of the poison for it."""

    def __init__(self, world: World, operation: Operation, is_chosen: Chooser) -> None:
        self.operation = operation
        self.is_chosen = is_chosen
        self.harmless = operation.method == "delete" or operation.name in _NOT_FOR_REAL
        self.query = world.query(operation)
        self.path = world.path(operation, harmless=self.harmless) + self.query
        self.example = world.fill(operation.body["example"]) if operation.body else None
        self.content = None if operation.body is None else json.dumps(self.example).encode()

    def at(self, place: str, values: Mapping[str, Poison]) -> Iterator[tuple[str, Poison]]:
        """What is chosen for one place, with a label for each."""
        for poison, value in values.items():
            label = f"{self.operation.name}: {poison} at {place}"
            if self.is_chosen(label):
                yield label, value


def _attempts_in_body(aim: _Aim, schema: dict[str, Any]) -> Iterator[Attempt]:
    for place, within in places(schema):
        planted = json.dumps(plant(aim.example, place, schema), ensure_ascii=False)
        for label, text in aim.at(show(place), CORPUS):
            yield Attempt(aim.operation, label, aim.path, content=_put(planted, _QUOTED, text))
        if _is_free(within):
            named = json.dumps(plant(aim.example, (*place, PLACE), schema), ensure_ascii=False)
            for label, text in aim.at(f"a name in {show(place)}", _NAMES):
                content = _put(named, f"{_QUOTED}: {_QUOTED}", f"{text}: 1")
                yield Attempt(aim.operation, label, aim.path, content=content)


def _escape(raw: bytes) -> str:
    return quote_from_bytes(raw, safe="")


def _escape_part(raw: bytes) -> str:
    """The same for a part of a path: dots as they are would be folded by the client, into another operation's path."""
    return _escape(raw).replace(".", "%2E")


def show(place: Place) -> str:
    """A place of a body as a pointer."""
    return "".join(f"/{part}" for part in place) or "the body"


def _put(document: str, mark: str, text: str) -> bytes:
    return document.replace(mark, text).encode("utf-8", "surrogatepass")


def _with_query(path: str, name: str, value: str) -> str:
    base, _, query = path.partition("?")
    others = [one for one in query.split("&") if one and not one.startswith(f"{name}=")]
    return f"{base}?{'&'.join([*others, f'{name}={value}'])}"


def _follow(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _options(schema: dict[str, Any]) -> list[dict[str, Any]]:
    schema = _follow(schema)
    return [
        inner for one in schema.get("anyOf", [schema]) for inner in ([one] if "anyOf" not in one else _options(one))
    ]


def _is_free(schema: dict[str, Any]) -> bool:
    return any(
        one.get("type") == "object" and one.get("additionalProperties", True) is not False and "properties" not in one
        for one in map(_follow, _options(schema))
    )


def places(schema: dict[str, Any], at: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every place of a body by its schema, branches and leaves: members, first items, a member of free objects."""
    yield at, schema
    if len(at) >= _DEEPEST:
        return
    seen: set[str] = set()
    for option in map(_follow, _options(schema)):
        for name, member in option.get("properties", {}).items():
            if name not in seen:
                seen.add(name)
                yield from places(member, (*at, name))
        if isinstance(option.get("items"), dict) and option["items"]:
            yield from places(option["items"], (*at, 0))
    if _is_free(schema):
        yield (*at, "free"), {}


def plant(example: Any, place: Place, schema: dict[str, Any]) -> Any:
    """The example with the mark at one place; what leads there is made up where the example lacks it."""
    if not place:
        return PLACE
    head, *rest = place
    options = [_follow(one) for one in _options(schema)]
    if isinstance(head, int):
        items = list(copy.deepcopy(example)) if isinstance(example, list) and example else [None]
        within: dict[str, Any] = next((one["items"] for one in options if one.get("items")), {})
        items[0] = plant(_or_made_up(items[0], within), tuple(rest), within)
        return items
    members = dict(copy.deepcopy(example)) if isinstance(example, dict) else {}
    chosen = next((one for one in options if head in one.get("properties", {})), {})
    if chosen and not isinstance(example, dict):
        members = example_of(chosen, document()["components"]["schemas"], sent=True)
    inside: dict[str, Any] = chosen.get("properties", {}).get(head, {})
    members[head] = plant(_or_made_up(members.get(head), inside), tuple(rest), inside)
    return members


def _or_made_up(value: Any, schema: dict[str, Any]) -> Any:
    if value is not None or not schema:
        return value
    return example_of(schema, document()["components"]["schemas"], sent=True)


@cache
def _validator(operation: Operation, status: int, media_type: str) -> Callable[[Any], list[str]] | None:
    """What tells the errors of an answer; None where the document does not know such an answer."""
    response = operation.described["responses"].get(str(status), {})
    content = response.get("content", {}).get(media_type)
    if content is None:
        return None
    schema = {**content["schema"], "components": document()["components"]}
    checker = jsonschema_rs.Draft202012Validator(schema)
    return lambda value: [f"{error.instance_path}: {error.message[:200]}" for error in checker.iter_errors(value)]


def judge(attempt: Attempt, answer: Any) -> str | None:
    """What is wrong with an answer, in a sentence; None when it is as documented."""
    status = answer.status_code
    if status >= 500:
        return f"{status}: {answer.text[:300]}"
    if attempt.is_path and status in (404, 405) and "/problems/" in answer.text:
        return None  # a poisoned path may lead to no operation at all, or to another one
    if str(status) not in attempt.operation.described["responses"]:
        return f"{status} is not documented: {answer.text[:300]}"
    if "request-id" not in answer.headers:
        return "it has no Request-Id"
    if not answer.content:
        return None if status in (204, 304) else f"{status} without a body"
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if status >= 400 and media_type != "application/problem+json":
        return f"{status} as {media_type}"
    if media_type == "text/csv":
        return None
    check = _validator(attempt.operation, status, media_type)
    if check is None:
        return f"{status} as {media_type} is not documented"
    if not media_type.endswith("json"):
        return None  # a picture or a page to print
    if errors := check(answer.json()):
        return f"{status} does not follow its schema: {errors[:3]}"
    return _judge_problem(attempt.operation, answer) if status >= 400 else None


def _judge_problem(operation: Operation, answer: Any) -> str | None:
    content = operation.described["responses"][str(answer.status_code)]["content"]["application/problem+json"]
    told = answer.json()["type"].removeprefix("/problems/")
    return None if told in content["examples"] else f"{told} is not among the problems that it tells"


@dataclass
class Findings:
    """What a run of poison came to."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    def add(self, label: str, status: int, verdict: str | None) -> None:
        """Count an answer, and note what is wrong with it."""
        self.sent += 1
        self.statuses[status] += 1
        if verdict is not None:
            self.wrong[label] = verdict


def send(world: World, attempt: Attempt) -> Any:
    """The answer of the real application."""
    headers: dict[bytes, bytes] = {
        name.encode(): value.encode() for name, value in world.headers_for(attempt.operation).items()
    }
    if attempt.content is not None:
        headers[b"Content-Type"] = b"application/json"
    for name, value in attempt.headers.items():
        headers[name.encode()] = value
    return world.api.request(
        attempt.operation.method.upper(), attempt.path, headers=list(headers.items()), content=attempt.content
    )


def poison(world: World, chosen: tuple[Operation, ...], findings: Findings, is_chosen: Chooser = all_of_it) -> None:
    """Send what is chosen of all attempts on these operations, and judge what comes back."""
    for operation in chosen:
        for attempt in attempts(world, operation, is_chosen):
            answer = send(world, attempt)
            findings.add(attempt.label, answer.status_code, judge(attempt, answer))


def read_back(world: World, findings: Findings) -> None:
    """Read every list to its end, every report and every single thing: what poison left must not break a reader."""
    for operation in every_operation():
        if operation.method != "get":
            continue
        path = world.path(operation) + world.query(operation)
        is_list = any(one["name"] == "cursor" for one in operation.parameters)
        pages = 0
        while path and pages < 200:
            attempt = Attempt(operation, f"{operation.name}: reading back", path)
            answer = send(world, attempt)
            verdict = judge(attempt, answer)
            if verdict is None and answer.status_code != 200 and (is_list or "{" not in operation.path):
                verdict = f"{answer.status_code}: {answer.text[:300]}"
            findings.add(attempt.label, answer.status_code, verdict)
            cursor = answer.json().get("next_cursor") if is_list and answer.status_code == 200 else None
            path = _with_query(_with_query(path, "limit", "200"), "cursor", cursor) if cursor else ""
            pages += 1
