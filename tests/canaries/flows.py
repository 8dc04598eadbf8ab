"""A brand's day with canaries in every field that is secret or tells of a person, and everything that goes wrong."""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from app.line.signature import sign
from tests.app.inbound.calls import told
from tests.app.sandbox.process import free_port, wait_for
from tests.canaries.scan import Canary, secrets_in
from tests.running import RunningSandbox
from tests.serving import Installation, Served, json_of

NAME = "金糸雀" + secrets.token_hex(4)
SPOKEN = "秘密の話" + secrets.token_hex(4)
PHONE = "+8190" + "".join(secrets.choice("123456789") for _ in range(8))
EMAIL = f"canary-{secrets.token_hex(6)}@example.jp"
LINE_NAME = "カナリア" + secrets.token_hex(4)


@dataclass
class Day:
    """What was used, and what came back."""

    place: Installation
    sandbox: RunningSandbox
    served: Served
    metrics_url: str
    canaries: list[Canary] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)
    """Bodies of all answers that were not 2xx."""
    statuses: set[int] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    channel: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    user_id: str = ""

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """One request; secrets that its answer shows are canaries from then on."""
        with self.served.client() as client:
            answer = client.request(method, path, headers=self.headers if headers is None else headers, **options)
        self.statuses.add(answer.status_code)
        if answer.is_success:
            self.add_secrets(answer.text)
        else:
            self.refusals.append(answer.content)
        return answer

    def add_secrets(self, shown: str) -> None:
        """Take what an answer or a command shows once for canaries."""
        known = {one.value for one in self.canaries}
        self.canaries += [
            Canary(secret[:16] + str(number), secret)
            for number, secret in enumerate(sorted(secrets_in(shown) - known), len(self.canaries))
        ]

    def run(self, *arguments: str) -> dict[str, Any]:
        """What a command shows as JSON."""
        done = self.place.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        self.add_secrets(done.stdout)
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown


def live(day: Day) -> None:
    """All of the day, in order."""
    sign_in(day)
    keep_credentials(day)
    open_account(day)
    know_a_person(day)
    hear_from_line(day)
    send(day)
    go_wrong(day)


def sign_in(day: Day) -> None:
    brand = day.run("brand", "create", "金糸雀堂")
    client = day.run("client", "create", "--brand", brand["id"], "--name", "本部")
    form = {"grant_type": "client_credentials"}
    basic = b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    token = json_of(day.call("POST", "/oauth/token", {"Authorization": f"Basic {basic}"}, data=form))["access_token"]
    day.canaries.append(Canary("basic credentials", basic))
    wrong = {**form, "client_id": client["client_id"], "client_secret": client["client_secret"][:-1] + "x"}
    assert day.call("POST", "/oauth/token", {}, data=wrong).status_code == 401
    day.call("POST", "/oauth/token", {"Authorization": "Basic " + basic[:-5]}, data=form)
    day.call("POST", "/oauth/token", {}, data={**form, "client_id": basic, "client_secret": token})
    day.headers = {"Authorization": f"Bearer {token}"}
    for where in (
        f"/v1/customers/{token}",
        f"/v1/customers?cursor={token}",
        f"/{token}",
        f"/v1/me?access_token={token}",
    ):
        day.call("GET", where)
    day.call("GET", "/v1/me", {"Authorization": f"Token {token}"})
    day.call("GET", "/v1/me", {"Authorization": f"Bearer {token}x"})


def keep_credentials(day: Day) -> None:
    store = json_of(day.call("POST", "/v1/stores", json={"code": "S1", "name": "本店", "municipality_code": "13104"}))
    key = {"name": "レジ", "store_ids": [store["id"]], "permissions": ["customers:read"]}
    keyed = {**day.headers, "Idempotency-Key": "key-once"}
    made = json_of(day.call("POST", "/v1/store-keys", keyed, json=key))
    day.call("POST", "/v1/store-keys", keyed, json=key)
    day.call("POST", f"/v1/store-keys/{made['id']}/rotate", json={"overlap_seconds": 60})
    day.call("GET", "/v1/customers", {"Authorization": f"Bearer {made['key']}"})
    day.call("POST", "/v1/tags", {"Authorization": f"Bearer {made['key']}"}, json={"name": "札"})
    day.call("POST", "/v1/api-clients", json={"name": "会計", "permissions": ["reports:read"]})
    day.call("POST", "/v1/partner-keys", json={"name": "POS", "permissions": ["orders:write"]})
    person = {"name": NAME, "email": EMAIL, "role": "marketer", "store_ids": "all"}
    day.call("POST", "/v1/staff", json=person)
    day.run("operator", "create", "運用")
    day.account = {"store_ids": [store["id"]]}


def open_account(day: Day) -> None:
    day.channel = day.sandbox.make_channel()
    secret = day.channel["channel_secret"]
    day.canaries.append(Canary("channel secret", secret))
    body = {"name": "本店", "channel_id": day.channel["channel_id"], "provider_id": "provider-1", **day.account}
    keyed = {**day.headers, "Idempotency-Key": "account-once"}
    wrong = secrets.token_hex(16)
    day.canaries.append(Canary("wrong channel secret", wrong))
    login = secrets.token_hex(16)
    day.canaries.append(Canary("secret of LINE Login", login))
    body |= {"login_channel_id": "2000000099", "login_channel_secret": login}
    day.call("POST", "/v1/line-accounts", keyed, json={**body, "channel_secret": wrong})
    unasked = "/v1/line-accounts?check=false"
    day.account = json_of(day.call("POST", unasked, keyed, json={**body, "channel_secret": wrong}))
    path = f"/v1/line-accounts/{day.account['id']}"
    day.call("POST", f"{path}/check")
    day.call("PATCH", path, json={"channel_secret": [secret]})
    day.call("PATCH", path, json={"channel_secrets": secret})
    day.call("PATCH", path, json={"plan": secret * 40})
    day.call("PATCH", path, content=b'{"channel_secret": "' + secret.encode(), headers=_json(day))
    json_of(day.call("PATCH", path, json={"channel_secret": secret}))
    json_of(day.call("POST", f"{path}/check"))


def know_a_person(day: Day) -> None:
    day.user_id = "U" + secrets.token_hex(16)
    day.canaries += [
        Canary("name", NAME, "personal"),
        Canary("words", SPOKEN, "personal"),
        Canary("phone", PHONE, "personal"),
        Canary("phone as dialled", "0" + PHONE[3:], "personal"),
        Canary("email", EMAIL, "personal"),
        Canary("LINE user id", day.user_id, "personal"),
        Canary("LINE name", LINE_NAME, "personal"),
    ]
    person = {"external_id": "canary", "name": NAME, "phone": PHONE, "email": EMAIL}
    keyed = {**day.headers, "Idempotency-Key": "person-once"}
    made = json_of(day.call("POST", "/v1/customers", keyed, json=person))
    json_of(day.call("POST", "/v1/customers", keyed, json=person))
    day.call("POST", "/v1/customers", keyed, json={**person, "name": "別人"})
    for name, value in (("phone", PHONE + "x"), ("email", EMAIL + "@"), ("birthday_on", NAME), ("gender", EMAIL)):
        day.call("POST", "/v1/customers", json={**person, name: value})
    day.call("GET", "/v1/customers", params={"q": NAME})
    day.call("GET", "/v1/customers", params={"tag": EMAIL, "limit": PHONE})
    day.call("PATCH", f"/v1/customers/{made['id']}", json={"attributes": {"memo": SPOKEN}})
    day.call("GET", f"/v1/customers/{EMAIL}")


def hear_from_line(day: Day) -> None:
    person = {"id": "canary", "name": LINE_NAME, "line_user_ids": {"provider-1": day.user_id}}
    day.sandbox.call("POST", "/world", {"people": [{**person, "follows": [day.channel["channel_id"]]}]})
    message = {"type": "text", "id": "1", "text": SPOKEN}
    events = [told("follow", day.user_id), told("message", day.user_id, message=message)]
    webhook(day, {"destination": day.channel["bot_user_id"], "events": events})
    webhook(day, {"destination": day.channel["bot_user_id"], "events": [{"type": SPOKEN, "source": day.user_id}]})
    webhook(day, {"destination": day.user_id, "events": "none"}, secret=secrets.token_hex(16))
    wait_for(lambda: LINE_NAME in day.call("GET", "/v1/customers").text)


def webhook(day: Day, document: Any, secret: str | None = None) -> None:
    body = json.dumps(document, ensure_ascii=False).encode()
    signature = sign(secret or day.channel["channel_secret"], body).decode()
    day.call("POST", f"/line/webhook/{day.account['id']}", {"x-line-signature": signature}, content=body)


def send(day: Day) -> None:
    """A personal message to her, past faults of LINE."""
    faults = [{"endpoint": "/v2/bot/message", "status": 500, "ratio": 0.3, "body": {"message": f"{NAME} {PHONE}"}}]
    day.sandbox.call("PUT", "/faults", {"faults": faults, "seed": 3})
    body = {"name": "一通", "messages": [{"type": "text", "text": "{{ customer.name }}さん"}], "audience": {}}
    campaign = json_of(day.call("POST", "/v1/campaigns", json=body))
    day.call("POST", f"/v1/campaigns/{campaign['id']}/dry-run")
    day.call("POST", f"/v1/campaigns/{campaign['id']}/launch")

    def is_sent() -> bool:
        return bool(day.call("GET", f"/v1/campaigns/{campaign['id']}").json()["status"] == "sent")

    wait_for(is_sent, 40)
    day.sandbox.call("PUT", "/faults", {"faults": [], "seed": 3})


def go_wrong(day: Day) -> None:
    """Errors that nobody foresaw, whose words hold her data; and a database that is away."""
    person = {"external_id": "canary-2", "name": NAME, "phone": "+819011112222", "email": EMAIL.replace("@", "2@")}
    with refused_rows(day.place, "customer", "name IS NULL"):
        assert day.call("POST", "/v1/customers", json=person).status_code == 500
    with refused_rows(day.place, "friend", "status = 'nothing'"):
        events = [told("unfollow", day.user_id)]
        webhook(day, {"destination": day.channel["bot_user_id"], "events": events})
        wait_for(lambda: any(b"event_not_worked_off" in log.read_bytes() for log in day.place.logs), 20)
    with database_away(day.place):
        assert day.call("GET", "/v1/me").status_code == 503
        day.call("POST", "/v1/customers", json=person)
        webhook(day, {"destination": day.channel["bot_user_id"], "events": [told("follow", day.user_id)]})
    wait_for(lambda: day.call("GET", "/v1/me").status_code == 200)


@contextmanager
def refused_rows(place: Installation, table: str, condition: str) -> Iterator[None]:
    """The database refuses every new or changed row of a table that does not meet a condition."""
    with psycopg.connect(place.urls.owner, autocommit=True) as owner:
        owner.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT planted CHECK ({condition}) NOT VALID'.encode())
        try:
            yield
        finally:
            owner.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT planted'.encode())


@contextmanager
def database_away(place: Installation) -> Iterator[None]:
    """Nobody but the superuser is let in, and who was in is thrown out."""
    name = psycopg.conninfo.conninfo_to_dict(place.urls.app)["dbname"]
    with psycopg.connect(os.environ["NOREN_TEST_ADMIN_URL"], autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0'.encode())
        admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'".encode())
        try:
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1'.encode())


def start(place: Installation, sandbox: RunningSandbox) -> Day:
    """Server and worker at their most talkative."""
    port = free_port()
    place.start("worker", "--metrics-port", str(port))
    return Day(place, sandbox, place.serve(), f"http://127.0.0.1:{port}/metrics")


def _json(day: Day) -> dict[str, str]:
    return {**day.headers, "Content-Type": "application/json"}


def keep_jobs(place: Installation) -> None:
    """Copy every job as it is added: those that are done are deleted."""
    with psycopg.connect(admin_url(place), autocommit=True) as admin:
        admin.execute("CREATE TABLE kept_job (job text)")
        admin.execute(
            "CREATE FUNCTION keep_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
            " $$ BEGIN INSERT INTO public.kept_job VALUES (NEW::text); RETURN NEW; END $$"
        )
        admin.execute(
            "CREATE TRIGGER keep_job AFTER INSERT ON procrastinate.procrastinate_jobs"
            " FOR EACH ROW EXECUTE FUNCTION keep_job()"
        )


def admin_url(place: Installation) -> str:
    name = psycopg.conninfo.conninfo_to_dict(place.urls.app)["dbname"]
    return psycopg.conninfo.make_conninfo(os.environ["NOREN_TEST_ADMIN_URL"], dbname=name)


def rows(place: Installation, query: str) -> bytes:
    """What a superuser reads, as one text."""
    with psycopg.connect(admin_url(place)) as admin:
        return "\n".join(str(row[0]) for row in admin.execute(query.encode()).fetchall()).encode()


def plant(place: Installation, leak: str, statement: str) -> None:
    """Run a superuser's statement in which `current_setting('canary.leak')` is the leak."""
    with psycopg.connect(admin_url(place), autocommit=True, options="-c search_path=public,procrastinate") as admin:
        admin.execute("SELECT set_config('canary.leak', %s, false)", [leak])
        admin.execute(statement.encode())
