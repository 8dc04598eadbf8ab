"""The five-store story: one person, seven friends under two providers, one customer; and two again, byte for byte."""

from typing import Any

from tenants.ids import encode_id
from tests.app.liff.stage import Stage


def befriend_all(stage: Stage, person: str) -> None:
    for number in range(4):
        stage.add_account(stage.a, f"甲{number}号店")
    stage.add_account(stage.b, "乙号店")
    for account in stage.accounts:
        stage.act(person, account)


def list_ids(stage: Stage) -> list[str]:
    return [item["id"] for item in stage.get("/v1/customers")["items"]]


def export(stage: Stage, customer_id: str) -> Any:
    answer = stage.app.get(f"/v1/customers/{customer_id}/export", headers=stage.home.headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_one_person_of_seven_accounts_is_one_customer_once_she_has_proven_it(stage: Stage) -> None:
    person = stage.person("山田花子")
    befriend_all(stage, person)
    assert len(list_ids(stage)) == 2
    stage.confirm(stage.a, person)
    assert len(list_ids(stage)) == 2
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
