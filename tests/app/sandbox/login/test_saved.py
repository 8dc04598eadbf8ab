"""What LINE Login remembers over a restart."""

from pathlib import Path

from tests.app.sandbox.login.stage import LIFF_ID, Attempt, LoginStage
from tests.app.sandbox.process import running_sandbox


def test_channels_tokens_keys_and_consents_survive_a_restart(tmp_path: Path) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = LoginStage.build(client, None)
        tokens = Attempt(before).tokens("taro")
        ended = Attempt(before).tokens("hanako")["access_token"]
        revoked = {"access_token": ended, "client_id": "2000000002", "client_secret": Attempt(before).secret}
        client.post("/oauth2/v2.1/revoke", data=revoked).raise_for_status()
        opened = client.get(f"/_sandbox/liff/{LIFF_ID}/open", params={"person": "taro"}).json()
        shown = client.get("/_sandbox/login-channels").json()
        keys = client.get("/oauth2/v2.1/certs").json()
    with running_sandbox(state_file=state_file) as client:
        after = LoginStage(client, before.user_ids)
        assert client.get("/_sandbox/login-channels").json() == shown
        assert client.get("/oauth2/v2.1/certs").json() == keys
        for token in (tokens["access_token"], opened["access_token"]):
            assert after.get("/v2/profile", token).json()["displayName"] == "太郎"
        assert after.get("/v2/profile", ended).status_code == 401
        for token in (tokens["id_token"], opened["id_token"]):
            form = {"id_token": token, "client_id": "2000000002"}
            assert client.post("/oauth2/v2.1/verify", data=form).json()["sub"] == after.user_ids["taro"]
        form = {"client_id": "2000000002", "client_secret": Attempt(after).secret}
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **form}
        assert client.post("/oauth2/v2.1/token", data=refresh).status_code == 200
        client.post("/_sandbox/login/person", data={"next": "/", "person": "taro"})
        assert "code=" in Attempt(after).ask(prompt="none").headers["location"]


def test_a_reset_ends_tokens_and_keeps_channels_unless_the_world_goes(login: LoginStage) -> None:
    token = Attempt(login).tokens()["access_token"]
    login.client.post("/_sandbox/reset", json={}).raise_for_status()
    assert login.get("/v2/profile", token).status_code == 401
    assert len(login.client.get("/_sandbox/login-channels").json()["items"]) == 3
    login.client.post("/_sandbox/reset", json={"world": True}).raise_for_status()
    assert login.client.get("/_sandbox/login-channels").json()["items"] == []
