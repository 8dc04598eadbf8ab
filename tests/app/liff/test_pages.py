"""The page that joins: what it says, without a script, and that nobody gets on it what is not hers."""

import pytest

from tests.app.liff.stage import HERE, Stage


def test_it_names_the_brand_and_the_accounts_and_asks_for_consent(stage: Stage) -> None:
    page = stage.page()
    assert page.status_code == 200
    for words in ("のれん食堂のLINEをひとつに", "渋谷店", "新宿店", "LINEで確認する", "上の内容に同意します"):
        assert words in page.text
    assert page.text.count('name="login_channel_id"') == 2
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' {stage.sandbox.url};" in policy


@pytest.mark.parametrize(
    ("asked", "english"),
    [("", False), ("en-US,en;q=0.9", True), ("ja,en;q=0.9", False), ("en;q=0.3,ja;q=0.8", False), ("fr", False)],
)
def test_it_speaks_japanese_unless_english_is_asked_for(stage: Stage, asked: str, english: bool) -> None:
    text = stage.page(**{"accept-language": asked}).text
    assert ("Confirm with LINE" in text, "LINEで確認する" in text) == (english, not english)
    assert f'<html lang="{"en" if english else "ja"}">' in text


def test_what_is_proven_is_ticked_and_the_rest_is_left(stage: Stage) -> None:
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    answer = stage.confirm(stage.a, person)
    assert (answer.status_code, answer.headers["location"]) == (303, stage.page_path)
    text = stage.page().text
    assert (text.count("確認済み"), text.count('name="login_channel_id"')) == (1, 1)
    assert "花子さんとして確認中" in text
    assert "ひとつになりました" not in text
    assert "ほかのお店も友だち追加しているときは" in text
    assert "お店ごとに友だち追加していても" not in text


def test_nothing_begins_without_her_consent(stage: Stage) -> None:
    answer = stage.press(stage.a, consent="no")
    assert answer.headers["location"] == f"{stage.page_path}?notice=consent"
    assert "同意のチェックが必要です" in stage.app.get(answer.headers["location"]).text


def test_what_is_asked_of_line_can_be_neither_guessed_nor_used_twice(stage: Stage) -> None:
    first, second = (stage.press(stage.a).headers["location"] for _ in range(2))
    assert first != second
    assert "code_challenge_method=S256" in first
    person = stage.person()
    answer = stage.sign_in(second, person)
    assert stage.app.get("/liff/callback", params={**answer, "state": "x"}).status_code == 404
    assert stage.app.get("/liff/callback", params=answer).status_code == 404
    assert stage.identities() == []


def test_who_stops_at_line_is_told_that_she_can_try_again(stage: Stage) -> None:
    answer = stage.sign_in(stage.press(stage.a).headers["location"], stage.person(), deny="true")
    back = stage.app.get("/liff/callback", params=answer)
    assert "もう一度お試しいただけます" in stage.app.get(back.headers["location"]).text
    assert stage.identities() == []


@pytest.mark.parametrize("fault", [{"signed": "foreign_key"}, {"claims": {"nonce": "another"}}], ids=str)
def test_a_forged_id_token_joins_nobody(stage: Stage, fault: dict[str, object]) -> None:
    person = stage.person()
    answer = stage.sign_in(stage.press(stage.a).headers["location"], person)
    stage.sandbox.call("PUT", "/faults", {"faults": [{"endpoint": "POST /oauth2/v2.1/token", "id_token": fault}]})
    try:
        back = stage.app.get("/liff/callback", params=answer)
    finally:
        stage.sandbox.call("PUT", "/faults", {"faults": []})
    assert back.headers["location"].endswith("notice=not_proven")
    assert stage.identities() == []


def test_another_person_begins_anew(stage: Stage) -> None:
    stage.confirm(stage.a, stage.person("花子"))
    stage.app.post(stage.page_path, data={"leave": "yes"}, headers=HERE)
    assert "花子" not in stage.page().text
    stage.confirm(stage.b, stage.person("太郎"))
    assert len(stage.customers()) == 2


def test_another_site_cannot_press_the_button(stage: Stage) -> None:
    fields = {"consent": "yes", "login_channel_id": stage.a.channel_id}
    answer = stage.app.post(stage.page_path, data=fields, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["acc_01h455vb4pex5vsknk084sn02q", "nothing", "%00", "x" * 3000])
def test_an_address_of_no_account_leads_to_a_page_that_says_so(stage: Stage, path: str) -> None:
    answer = stage.app.get(f"/liff/join/{path}")
    assert (answer.status_code, "このページは使えません" in answer.text) == (404, True)


def test_names_are_written_as_text(stage: Stage) -> None:
    stage.add_account(stage.a, "<b>池袋</b>")
    assert "<b>池袋" not in stage.page().text
    assert "&lt;b&gt;池袋" in stage.page().text
