"""A person of whom a brand knows everything that it can know, by what the API and LINE offer."""

import secrets
from base64 import b64encode
from typing import Any

from tests.app.inbound.calls import told
from tests.app.sandbox.process import wait_for
from tests.canaries.flows import Day, webhook
from tests.canaries.scan import Canary
from tests.serving import json_of

MARK = secrets.token_hex(4)
NAME, KANA = f"消去{MARK}花子", "ショウキョ" + "".join(secrets.choice("アイウエオカキクケコ") for _ in range(8))
PHONE = "+8190" + "".join(secrets.choice("123456789") for _ in range(8))
EMAIL = f"erase-{MARK}@example.jp"
ADDRESS = f"東京都渋谷区神南1-2-3 消去荘{MARK}"
LINE_NAME, OTHER_LINE_NAME = f"はなちゃん{MARK}", f"花子{MARK}@LINE"
WORDS, NOTE, REASON = f"秘密の相談{MARK}", f"窓際が好き{MARK}", f"花子さんが返した{MARK}"
MEMBER, EXTERNAL, POS = f"M{secrets.token_hex(6)}", f"hq-{secrets.token_hex(6)}", f"pos-{secrets.token_hex(6)}"


def open_brand(day: Day) -> str:
    """A brand that may join, with a store, an account and a client of head office; the store's id."""
    brand = day.run("brand", "create", "消去堂")
    client = day.run("client", "create", "--brand", brand["id"], "--name", "本部")
    basic = b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    token = json_of(day.call("POST", "/oauth/token", {"Authorization": f"Basic {basic}"}, data=form))["access_token"]
    day.headers = {"Authorization": f"Bearer {token}"}
    json_of(day.call("PATCH", "/v1/brand", json={"joining_basis": "provider_page"}))
    store = json_of(day.call("POST", "/v1/stores", json={"code": "S1", "name": "本店", "municipality_code": "13104"}))
    day.channel = day.sandbox.make_channel(f"provider-{MARK}")
    body = {"name": "本店", "channel_id": day.channel["channel_id"], "channel_secret": day.channel["channel_secret"]}
    body |= {"provider_id": f"provider-{MARK}", "store_ids": [store["id"]]}
    day.account = json_of(day.call("POST", "/v1/line-accounts", json=body))
    return str(store["id"])


def know(day: Day, store_id: str) -> str:
    """Everything of her; her id."""
    day.user_id = "U" + secrets.token_hex(16)
    old_id = "U" + secrets.token_hex(16)
    day.canaries = [
        Canary("name", NAME, "personal"),
        Canary("kana", KANA, "personal"),
        Canary("phone", PHONE, "personal"),
        Canary("phone as dialled", "0" + PHONE[3:], "personal"),
        Canary("phone as typed", f"090-{PHONE[5:9]}-{PHONE[9:]}", "personal"),
        Canary("e-mail", EMAIL, "personal"),
        Canary("address", f"消去荘{MARK}", "personal"),
        Canary("member number", MEMBER, "personal"),
        Canary("external id", EXTERNAL, "personal"),
        Canary("till's id", POS, "personal"),
        Canary("words", WORDS, "personal"),
        Canary("note", NOTE, "personal"),
        Canary("reason", REASON, "personal"),
        Canary("LINE user id", day.user_id, "personal"),
        Canary("LINE name", LINE_NAME, "personal"),
        Canary("earlier LINE user id", old_id, "personal"),
        Canary("earlier LINE name", OTHER_LINE_NAME, "personal"),
    ]
    person = {
        "external_id": EXTERNAL, "member_number": MEMBER, "name": NAME, "kana": KANA, "phone": "0" + PHONE[3:],
        "email": EMAIL, "address": ADDRESS, "birthday_on": "1990-04-01", "attributes": {"memo": WORDS},
        "external_ids": [{"system": "pos", "id": POS}],
    }  # fmt: skip
    keyed = {**day.headers, "Idempotency-Key": "person-once"}
    hers = str(json_of(day.call("POST", "/v1/customers", keyed, json=person))["id"])
    for user_id, name, words in ((day.user_id, LINE_NAME, WORDS), (old_id, OTHER_LINE_NAME, NAME)):
        _meet_at_line(day, user_id, name, words)
        found = _find(day, name)
        json_of(day.call("POST", "/v1/customers/merge", json={"from": found, "into": hers}))
    _act(day, hers, store_id)
    _send(day)
    _import(day, store_id)
    _clash(day)
    return hers


def _meet_at_line(day: Day, user_id: str, name: str, words: str) -> None:
    provider_id = str(day.channel["provider_id"])
    person = {"id": user_id, "name": name, "line_user_ids": {provider_id: user_id}}
    day.sandbox.call("POST", "/world", {"people": [{**person, "follows": [day.channel["channel_id"]]}]})
    message = {"type": "text", "id": secrets.token_hex(4), "text": words}
    events = [told("follow", user_id), told("message", user_id, message=message), told("postback", user_id)]
    events[2]["postback"] = {"data": f"answer={words}"}
    webhook(day, {"destination": day.channel["bot_user_id"], "events": events})
    wait_for(lambda: bool(_named(day, name)), 30)


def _named(day: Day, name: str) -> list[Any]:
    items: list[Any] = day.call("GET", "/v1/customers", params={"q": name}).json()["items"]
    return items


def _find(day: Day, name: str) -> str:
    (found,) = _named(day, name)
    return str(found["id"])


def _act(day: Day, hers: str, store_id: str) -> None:
    path = f"/v1/customers/{hers}"
    json_of(day.call("PUT", f"{path}/tags/常連"))
    json_of(day.call("POST", f"{path}/notes", json={"text": NOTE}))
    consent = {"purpose": "marketing", "channel": "line", "is_granted": True, "source": "入会用紙", "wording": "第1版"}
    json_of(day.call("POST", f"{path}/consents", json=consent))
    at = {"store_id": store_id}
    order = {"external_id": "R-1", "amount_yen": 1280, "ordered_at": "2026-11-21T11:10:00+09:00", "phone": PHONE, **at}
    json_of(day.call("POST", "/v1/orders", {**day.headers, "Idempotency-Key": "order-once"}, json=order))
    visit = {"external_id": "V-1", "member_number": MEMBER, "visited_at": "2026-11-21T11:10:00+09:00", **at}
    json_of(day.call("POST", "/v1/visits", json=visit))
    offer = {"name": "百円引き", "benefit": {"kind": "amount_off", "amount_yen": 100}, "all_stores": True}
    offer |= {"validity": {"hours_after_issue": 48}}
    coupon = json_of(day.call("POST", "/v1/coupons", json=offer))
    issued = json_of(
        day.call("POST", f"/v1/coupons/{coupon['id']}/issue", json={"customer_ids": [hers], "source": "x"})
    )
    held = json_of(day.call("GET", f"/v1/issued-coupons/{issued['items'][0]['id']}"))
    json_of(day.call("POST", "/v1/cards/resolve", {**day.headers, "Idempotency-Key": "card"}, json={"code": MEMBER}))
    used = {"code": held["code"], "amount_yen": 1280, **at}
    redemption = json_of(day.call("POST", "/v1/redemptions", json=used))
    json_of(day.call("POST", f"/v1/redemptions/{redemption['id']}/reverse", json={"reason": REASON}))
    json_of(day.call("POST", "/v1/account-links", json={"customer_id": hers, "line_account_id": day.account["id"]}))
    day.call("GET", path)
    day.call("GET", f"{path}/timeline")


def _send(day: Day) -> None:
    messages = [{"type": "text", "text": "{{ customer.name }}さん、お待ちしています"}]
    campaign = json_of(day.call("POST", "/v1/campaigns", json={"name": "一通", "messages": messages, "audience": {}}))
    json_of(day.call("POST", f"/v1/campaigns/{campaign['id']}/launch"))
    wait_for(lambda: day.call("GET", f"/v1/campaigns/{campaign['id']}").json()["status"] == "sent", 40)


def _import(day: Day, store_id: str) -> None:
    """A file in which she stands, and one line that cannot be read; and a file in which everybody stands."""
    lines = f"会員番号,氏名,電話番号,メール\n{MEMBER},{NAME},{PHONE},{EMAIL}\nM-2,{NAME},電話なし,{EMAIL}\n"
    headers = {**day.headers, "Content-Type": "text/csv"}
    begun = json_of(
        day.call("POST", "/v1/customers/import", headers, content=lines.encode(), params={"store_id": store_id})
    )
    assert finish(day, begun)["status"] == "done"
    begun = json_of(day.call("POST", "/v1/customers/export", json={}))
    assert NAME.encode() in fetch(day, finish(day, begun))


def _clash(day: Day) -> None:
    """Somebody else, and keys that name them both."""
    other = json_of(day.call("POST", "/v1/customers", json={"member_number": "M-other", "name": "別人"}))
    assert other["id"]
    clash = day.call("POST", "/v1/customers", json={"member_number": "M-other", "external_id": EXTERNAL})
    assert clash.status_code == 409, clash.text


def finish(day: Day, operation: Any) -> Any:
    """Long work, once it is over."""

    def is_over() -> bool:
        return bool(day.call("GET", f"/v1/operations/{operation['id']}").json()["status"] != "running")

    wait_for(is_over, 40)
    return day.call("GET", f"/v1/operations/{operation['id']}").json()


def fetch(day: Day, operation: Any) -> bytes:
    """The first file of long work."""
    return bytes(day.call("GET", operation["files"][0]["url"]).content)
