"""A breaking change of the published API is found, and what breaks nobody is let through."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.openapi.changes import list_breaks
from tests.document import document

ROOT = Path(__file__).parents[3]
Document = dict[str, Any]


def test_nothing_that_is_published_breaks() -> None:
    published = json.loads((ROOT / "openapi/published.json").read_text())
    assert list_breaks(published, document()) == []


TOUCHED = ("/v1/me", "/v1/stores", "/v1/coupons", "/v1/redemptions", "/v1/orders", "/v1/segments", "/v1/customers")


@cache
def some() -> Document:
    """The operations that the changes below touch: with all others beside them each change takes long to find."""
    whole = document()
    return {**whole, "paths": {path: item for path, item in whole["paths"].items() if path.startswith(TOUCHED)}}


def test_a_document_does_not_break_itself() -> None:
    assert list_breaks(document(), copy.deepcopy(document())) == []


def operation(new: Document, path: str, method: str) -> Document:
    found: Document = new["paths"][path][method]
    return found


def schema(new: Document, name: str) -> Document:
    found: Document = new["components"]["schemas"][name]
    return found


def parameter(new: Document, name: str) -> Document:
    found: Document = next(one for one in operation(new, "/v1/stores", "get")["parameters"] if one["name"] == name)
    return found


def remove_path(new: Document) -> None:
    del new["paths"]["/v1/me"]


def remove_method(new: Document) -> None:
    del new["paths"]["/v1/stores/{store_id}"]["delete"]


def rename_operation(new: Document) -> None:
    operation(new, "/v1/stores", "get")["operationId"] = "find_stores"


def take_fewer_credentials(new: Document) -> None:
    operation(new, "/v1/stores", "get")["security"].pop()


def ask_another_permission(new: Document) -> None:
    operation(new, "/v1/stores", "get")["security"][0] = {"OAuth": ["stores:write"]}


def ask_one_permission_more(new: Document) -> None:
    operation(new, "/v1/stores", "get")["security"][0]["OAuth"].append("areas:read")


def remove_parameter(new: Document) -> None:
    operation(new, "/v1/stores", "get")["parameters"].remove(parameter(new, "code"))


def require_parameter(new: Document) -> None:
    parameter(new, "code")["required"] = True


def add_required_parameter(new: Document) -> None:
    added = {"name": "area_id", "in": "query", "required": True, "schema": {"type": "string"}}
    operation(new, "/v1/stores", "get")["parameters"].append(added)


def lower_maximum_of_parameter(new: Document) -> None:
    parameter(new, "limit")["schema"]["maximum"] = 100


def change_type_of_parameter(new: Document) -> None:
    parameter(new, "limit")["schema"]["type"] = "boolean"


def refuse_null(new: Document) -> None:
    schema(new, "StoreCreate")["properties"]["address"]["anyOf"].pop()


def require_body(new: Document) -> None:
    operation(new, "/v1/redemptions/{redemption_id}/reverse", "post")["requestBody"]["required"] = True


def take_another_media_type(new: Document) -> None:
    content = operation(new, "/v1/stores", "post")["requestBody"]["content"]
    content["application/xml"] = content.pop("application/json")


def remove_member_of_body(new: Document) -> None:
    del schema(new, "StoreCreate")["properties"]["address"]


def require_member_of_body(new: Document) -> None:
    schema(new, "StoreCreate")["required"].append("address")


def add_required_member_to_body(new: Document) -> None:
    schema(new, "StoreCreate")["properties"]["phone"] = {"type": "string"}
    schema(new, "StoreCreate")["required"].append("phone")


def shorten_text_of_body(new: Document) -> None:
    schema(new, "StoreCreate")["properties"]["name"]["maxLength"] = 100


def raise_minimum_of_body(new: Document) -> None:
    schema(new, "CouponCreate")["properties"]["min_spend_yen"]["minimum"] = 1


def change_pattern_of_body(new: Document) -> None:
    schema(new, "StoreCreate")["properties"]["name"]["pattern"] = "^[a-z]+$"


def take_fewer_choices(new: Document) -> None:
    schema(new, "Benefit")["properties"]["kind"]["enum"].remove("gift")


def take_fewer_choices_deep_in_a_list(new: Document) -> None:
    schema(new, "OrderUpsert")["properties"]["store_id"]["pattern"] = "^shop_"


def close_free_member(new: Document) -> None:
    schema(new, "SegmentCreate")["properties"]["rule"]["additionalProperties"] = False


def remove_status(new: Document) -> None:
    operation(new, "/v1/customers", "post")["responses"].pop("200")


def answer_another_status(new: Document) -> None:
    responses = operation(new, "/v1/stores", "post")["responses"]
    responses["202"] = responses["201"]


def answer_another_media_type(new: Document) -> None:
    content = operation(new, "/v1/me", "get")["responses"]["200"]["content"]
    content["text/plain"] = content.pop("application/json")


def remove_header(new: Document) -> None:
    operation(new, "/v1/me", "get")["responses"]["200"]["headers"].pop("ETag")


def remove_member_of_answer(new: Document) -> None:
    del schema(new, "StoreRead")["properties"]["address"]


def leave_out_member_of_answer(new: Document) -> None:
    schema(new, "StoreRead")["required"].remove("name")


def answer_null(new: Document) -> None:
    name = schema(new, "StoreRead")["properties"]["name"]
    schema(new, "StoreRead")["properties"]["name"] = {"anyOf": [name, {"type": "null"}]}


def change_type_of_answer(new: Document) -> None:
    schema(new, "CouponRead")["properties"]["min_spend_yen"]["type"] = "number"


def answer_more_choices(new: Document) -> None:
    schema(new, "RedemptionRead")["properties"]["status"]["enum"].append("doubted")


def answer_any_text_for_a_choice(new: Document) -> None:
    del schema(new, "RedemptionRead")["properties"]["status"]["enum"]


BREAKS = [
    remove_path, remove_method, rename_operation, take_fewer_credentials, ask_another_permission,
    ask_one_permission_more, remove_parameter, require_parameter, add_required_parameter, lower_maximum_of_parameter,
    change_type_of_parameter, refuse_null, require_body, take_another_media_type, remove_member_of_body,
    require_member_of_body, add_required_member_to_body, shorten_text_of_body, raise_minimum_of_body,
    change_pattern_of_body, take_fewer_choices, take_fewer_choices_deep_in_a_list, close_free_member, remove_status,
    answer_another_status, answer_another_media_type, remove_header, remove_member_of_answer,
    leave_out_member_of_answer, answer_null, change_type_of_answer, answer_more_choices, answer_any_text_for_a_choice,
]  # fmt: skip


@pytest.mark.parametrize("change", BREAKS, ids=lambda change: change.__name__)
def test_a_breaking_change_is_found(change: Callable[[Document], None]) -> None:
    new = copy.deepcopy(some())
    change(new)
    assert list_breaks(some(), new) != []


def add_operation(new: Document) -> None:
    new["paths"]["/v1/shops"] = new["paths"]["/v1/stores"]


def add_optional_parameter(new: Document) -> None:
    added = {"name": "area_id", "in": "query", "required": False, "schema": {"type": "string"}}
    operation(new, "/v1/stores", "get")["parameters"].append(added)


def add_optional_member_to_body(new: Document) -> None:
    schema(new, "StoreCreate")["properties"]["phone"] = {"type": "string"}


def add_member_to_answer(new: Document) -> None:
    schema(new, "StoreRead")["properties"]["phone"] = {"type": "string"}
    schema(new, "StoreRead")["required"].append("phone")


def take_another_credential(new: Document) -> None:
    operation(new, "/v1/stores", "get")["security"].append({"PartnerKey": ["stores:read"]})


def take_longer_texts(new: Document) -> None:
    schema(new, "StoreCreate")["properties"]["name"]["maxLength"] = 400


def take_more_choices(new: Document) -> None:
    schema(new, "Benefit")["properties"]["kind"]["enum"].append("points")


def make_member_of_body_optional(new: Document) -> None:
    schema(new, "StoreCreate")["required"].remove("code")


def promise_a_member_of_an_answer(new: Document) -> None:
    schema(new, "Problem")["required"].append("detail")


def tell_another_problem(new: Document) -> None:
    operation(new, "/v1/stores", "get")["responses"]["410"] = {"description": "Gone."}


def say_it_better(new: Document) -> None:
    operation(new, "/v1/stores", "get")["description"] = "Stores."
    schema(new, "StoreRead")["properties"]["name"]["description"] = "On the sign."


SAFE = [
    add_operation, add_optional_parameter, add_optional_member_to_body, add_member_to_answer, take_another_credential,
    take_longer_texts, make_member_of_body_optional, promise_a_member_of_an_answer, tell_another_problem, say_it_better,
]  # fmt: skip


@pytest.mark.parametrize("change", SAFE, ids=lambda change: change.__name__)
def test_what_breaks_nobody_is_let_through(change: Callable[[Document], None]) -> None:
    new = copy.deepcopy(some())
    change(new)
    assert list_breaks(some(), new) == []


def test_a_choice_that_is_also_answered_breaks_who_reads_it() -> None:
    new = copy.deepcopy(some())
    take_more_choices(new)
    found = list_breaks(some(), new)
    assert found
    assert all("→ 20" in one and one.endswith("may now be 'points'") for one in found)
