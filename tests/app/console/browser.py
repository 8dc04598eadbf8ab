"""A browser at the staff's pages, which goes to the sandbox for signing in."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient
from httpx import Response
from sqlmodel import col, select

from app.keys import digest_of, new_secret
from tenants.ids import uuid7
from tenants.staff import service
from tenants.staff.models import Staff
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome
from tests.running import RunningSandbox

CLIENT_ID = "noren-console-test"
CLIENT_SECRET = "the console's secret at the sandbox"
PUBLIC = "http://127.0.0.1:8000"
HTTPS = "https://noren.example"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in at the sandbox."""

    email: str
    subject: str


@dataclass(frozen=True)
class People:
    """Those whom the sandbox knows."""

    sandbox: RunningSandbox

    @property
    def issuer(self) -> str:
        return f"{self.sandbox.url}/oidc"

    def make(self, **changes: Any) -> Person:
        """Somebody new."""
        values = {"email": f"{uuid7().hex}@example.jp", "name": "山田 花子", **changes}
        known = self.sandbox.call("PUT", "/oidc", {"people": [values]})["people"]
        (found,) = (one for one in known if one["email"] == values["email"])
        return Person(found["email"], found["sub"])

    def employ(self, home: BrandHome, person: Person, role: str = "hq_admin", **changes: Any) -> Staff:
        """Let somebody be staff who has signed in before."""
        with home.open() as session:
            known = {"email": person.email, "issuer": self.issuer, "subject": person.subject}
            staff = make.staff(session, role, **{**known, **changes})
            session.commit()
        return staff

    def invite(self, home: BrandHome, email: str, role: str = "marketer", *, days_ago: int = 0) -> str:
        """The path of an invitation."""
        from datetime import timedelta

        secret = new_secret("invitation")
        with home.open() as session:
            service.invite(
                session,
                name="鈴木 太郎",
                email=email,
                role=role,
                stores=None,
                digest=digest_of(secret),
                now=utc_now() - timedelta(days=days_ago),
            )
            session.commit()
        return f"/console/invitations/{secret}"

    def twist(self, **id_token: Any) -> None:
        """Have the ID tokens of the next sign-ins be wrong."""
        self.fail(id_token=id_token)

    def fail(self, endpoint: str = "POST /oidc/token", **fault: Any) -> None:
        """Have the provider misbehave."""
        self.sandbox.call("PUT", "/faults", {"faults": [{"endpoint": endpoint, **fault}]})


@dataclass
class Browser:
    """One browser, with its cookies."""

    client: TestClient
    people: People

    @classmethod
    def beside(cls, console: TestClient, people: People) -> "Browser":
        """Another browser at the same running application."""
        client = TestClient(console.app, base_url=str(console.base_url), raise_server_exceptions=False)
        client.portal = console.portal
        return cls(client, people)

    def get(self, path: str, **options: Any) -> Response:
        found: Response = self.client.get(path, follow_redirects=False, **options)
        return found

    def post(self, path: str, **form: str) -> Response:
        found: Response = self.client.post(path, data=form, follow_redirects=False)
        return found

    def start(self, path: str = "/console/login") -> str:
        """The provider's address that a sign-in leads to."""
        answer = self.get(path)
        assert answer.status_code == 303, answer.text
        address: str = answer.headers["location"]
        assert address.startswith(f"{self.people.issuer}/authorize?"), address
        return address

    def prove(self, address: str, person: Person) -> str:
        """Our own address, with a code, to which the provider sends whoever has proved to be this person."""
        answer = self.people.sandbox.client.get(f"{address}&prompt=none&login_hint={person.email}")
        assert answer.status_code == 303, answer.text
        back: str = answer.headers["location"]
        assert "/console/callback?" in back, back
        return back

    def sign_in(self, person: Person, path: str = "/console/login") -> Response:
        """The answer to a whole sign-in."""
        return self.get(self.prove(self.start(path), person))

    def accept(self, invitation: str, person: Person) -> Response:
        """The answer to accepting an invitation."""
        answer = self.post(invitation)
        assert answer.status_code == 303, answer.text
        return self.get(self.prove(answer.headers["location"], person))

    @property
    def secret(self) -> str | None:
        """The secret of its session."""
        found: str | None = self.client.cookies.get("noren")
        return found

    @property
    def is_signed_in(self) -> bool:
        return self.get("/console").status_code == 200

    def csrf_token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/console").text)
        assert found is not None
        return found[1]


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def read_staff(home: BrandHome, staff: Staff) -> Staff:
    """Her row as it stands."""
    with home.open() as session:
        return session.exec(select(Staff).where(col(Staff.id) == staff.id)).one()
