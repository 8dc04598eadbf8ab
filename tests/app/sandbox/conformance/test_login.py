"""LIFF apps, link tokens and tokens of a Login channel, by LINE's SDK."""

import importlib
from typing import Any

import httpx
import pytest

from tests.app.sandbox.conformance.sdk import messaging, oauth, opened
from tests.app.sandbox.login.stage import (
    ACCOUNT_TOKEN,
    CHANNEL,
    LIFF_ID,
    OTHER_CHANNEL,
    OTHER_SECRET,
    SECRET,
    LoginStage,
)

liff: Any = importlib.import_module("linebot.v3.liff")


@pytest.fixture
def login(sandbox: httpx.Client) -> LoginStage:
    return LoginStage.build(sandbox, None)


def new_app(**changes: Any) -> Any:
    view = liff.LiffView(type="full", url="https://shop.example/app", module_mode=True)
    return liff.AddLiffAppRequest(view=view, **changes)


def test_apps_live_and_end(login: LoginStage) -> None:
    with opened(liff, "Liff", login.client, login.channel_token()) as api:
        features = liff.LiffFeatures(qr_code=True)
        request = new_app(description="会員証", features=features, scope=["openid"], bot_prompt="aggressive")
        liff_id = api.add_liff_app(request).liff_id
        (app,) = [each for each in api.get_all_liff_apps().apps if each.liff_id == liff_id]
        assert (app.view.type, app.view.module_mode, app.description) == ("full", True, "会員証")
        assert (app.features.qr_code, app.scope, app.bot_prompt) == (True, ["openid"], "aggressive")
        change = liff.UpdateLiffAppRequest(view=liff.UpdateLiffView(type="tall"), description="ポイント")
        api.update_liff_app(liff_id, change)
        (app,) = [each for each in api.get_all_liff_apps().apps if each.liff_id == liff_id]
        assert (app.view.type, app.view.url, app.description) == ("tall", "https://shop.example/app", "ポイント")
        api.delete_liff_app(liff_id)
        assert [each.liff_id for each in api.get_all_liff_apps().apps] == [LIFF_ID]


def test_what_is_not_there_is_not_found(login: LoginStage) -> None:
    with opened(liff, "Liff", login.client, login.channel_token(OTHER_CHANNEL, OTHER_SECRET)) as api:
        for call in (
            api.get_all_liff_apps,
            lambda: api.update_liff_app(LIFF_ID, liff.UpdateLiffAppRequest()),
            lambda: api.delete_liff_app(LIFF_ID),
        ):
            with pytest.raises(liff.ApiException) as missing:
                call()
            assert missing.value.status == 404


def test_an_app_that_breaks_rules_is_refused(login: LoginStage) -> None:
    with opened(liff, "Liff", login.client, login.channel_token()) as api, pytest.raises(liff.ApiException) as refused:
        api.add_liff_app(new_app(description="LINE card"))
    assert refused.value.status == 400


def test_apps_are_not_for_an_accounts_token(login: LoginStage) -> None:
    with opened(liff, "Liff", login.client, ACCOUNT_TOKEN) as api, pytest.raises(liff.ApiException) as refused:
        api.get_all_liff_apps()
    assert refused.value.status == 401


def test_a_login_channel_has_stateless_and_short_lived_tokens(login: LoginStage) -> None:
    with opened(oauth, "ChannelAccessToken", login.client) as api:
        stateless = api.issue_stateless_channel_token_by_client_secret(CHANNEL, SECRET)
        short = api.issue_channel_token("client_credentials", CHANNEL, SECRET)
    assert (stateless.expires_in, short.expires_in) == (900, 2592000)
    for token in (stateless.access_token, short.access_token):
        with opened(liff, "Liff", login.client, token) as api:
            assert api.get_all_liff_apps().apps


def test_a_link_token_is_issued(login: LoginStage) -> None:
    with opened(messaging, "MessagingApi", login.client, ACCOUNT_TOKEN) as api:
        assert api.issue_link_token(login.user_ids["hanako"]).link_token
        with pytest.raises(messaging.ApiException) as refused:
            api.issue_link_token("nobody")
    assert refused.value.status == 400
