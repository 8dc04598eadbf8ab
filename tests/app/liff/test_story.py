"""The five-store story: one person, seven friends under two providers, one customer; and two again, byte for byte."""

import json
from typing import Any

from app.customers.tasks import fetch_profile
from tenants.ids import encode_id
from tests.app.liff.stage import Stage


def befriend_all(stage: Stage, person: str) -> None:
    for number in range(4):
        stage.add_account(stage.a, f"甲{number}号店")
    stage.add_account(stage.b, "乙号店")
    for account in stage.accounts:
        stage.act(person, account)
    for friend in stage.list_friends():  # as the worker does after a follow
        fetch_profile(stage.work(), friend.identity_id, friend.line_account_id)


def list_ids(stage: Stage) -> list[str]:
    return [item["id"] for item in stage.get("/v1/customers")["items"]]


def is_of_a_merge(row: Any) -> bool:
    """Whether a row of an export is an entry that a merge or its undoing has made."""
    types = ("customer.merged", "customer.unmerged", "consent.changed")
    return isinstance(row, dict) and (row.get("type") in types or bool(row.get("merge_id")))


def export(stage: Stage, customer_id: str) -> str:
    """All that is held of one customer, as the bytes of the file read, but for the entries of merges."""
    answer = stage.app.get(f"/v1/customers/{customer_id}/export", headers=stage.home.headers)
    assert answer.status_code == 200, answer.text
    return json.dumps(_without_merges(answer.json()), ensure_ascii=False)


def _without_merges(held: Any) -> Any:
    if isinstance(held, dict):
        return {name: _without_merges(one) for name, one in held.items() if name != "merges"}
    return [_without_merges(one) for one in held if not is_of_a_merge(one)] if isinstance(held, list) else held


def test_one_person_of_seven_accounts_is_one_customer_until_that_is_undone(stage: Stage) -> None:
    person = stage.person("山田花子")
    befriend_all(stage, person)
    two = sorted(list_ids(stage))
    before = {one: export(stage, one) for one in two}
    stage.confirm(stage.a, person)
    assert sorted(list_ids(stage)) == two
    stage.confirm(stage.b, person)
    assert "7つのお店がひとつになりました" in stage.page().text
    (customer_id,) = list_ids(stage)
    friends = stage.get(f"/v1/customers/{customer_id}/friends")["items"]
    assert {one["line_account_id"] for one in friends} == {encode_id("acc", one.id) for one in stage.accounts}
    timeline = stage.get(f"/v1/customers/{customer_id}/timeline", limit=200)["items"]
    assert [item["type"] for item in timeline].count("friend.followed") == 7
    (merge,) = stage.get("/v1/customer-merges")["items"]
    assert (merge["source"], merge["proof"]["basis"]) == ("line_login", "provider_page")
    assert [one["login_channel_id"] for one in merge["proof"]["identities"]] == [stage.a.channel_id, stage.b.channel_id]

    assert stage.post(f"/v1/customer-merges/{merge['id']}/undo").status_code == 200
    assert sorted(list_ids(stage)) == two
    after = {one: export(stage, one) for one in two}
    assert after == before
    assert "ひとつになりました" not in stage.page().text
