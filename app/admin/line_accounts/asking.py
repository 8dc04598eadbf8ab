"""What a request asks LINE: after one transaction has closed and before that of its answer begins.

A new account is kept in between, since LINE's test call to its webhook is answered only for an account that is there.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request

from app import idempotency
from app.admin import patches
from app.admin.line_accounts import service
from app.admin.line_accounts.checks import Asked, Patient, ask_all, ask_credentials, ask_readings, ask_rest
from app.admin.line_accounts.findings import say, write_findings
from app.admin.line_accounts.schemas import LineAccountCreate, LineAccountPatch, TrueOrFalse
from app.audit import requests as audit
from app.audit.service import Thing, follow
from app.auth import Caller, Now, brand_key_of
from app.callers import CallerInfo
from app.problems import Refused
from app.schemas import LineAccountId
from app.settings import Settings
from tenants.ids import is_of, uuid7, uuid7_of
from tenants.line_accounts import queries
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.problems import ChannelTaken
from tenants.problems import Invalid
from tenants.session import ScopedSession, open_session

TWIN_SECONDS = 5.0
"""How long the answer of the first of two equal requests is waited for."""
POLL_SECONDS = 0.1
TURN_SECONDS = 1.0
COLUMNS = ("name", "channel_id", "provider_id", "login_channel_id", "area_id", "plan", "mode", "greeting")

WhetherToAsk = Annotated[
    bool,
    Query(
        alias="check",
        description="Whether to ask LINE about it. `false` for imports and where LINE cannot be reached: the account is"
        " then kept unchecked, and its webhook stays as it is until it is checked.",
    ),
    TrueOrFalse,
]


@dataclass(frozen=True)
class Registration:
    """A request to register an account, as far as it has come."""

    body: LineAccountCreate
    account_id: UUID | None
    """None: it is still to be kept, in the transaction of the answer."""
    asked: Asked | None
    """What LINE said; None where it was not asked."""


@contextmanager
def turn_to_ask(request: Request) -> Iterator[None]:
    """One of the turns in which requests may wait for LINE, which are half of all: the others must be answered too.

    Raises 503 when none comes free within a second.
    """
    turns: BoundedSemaphore = request.app.state.line_turns
    if not turns.acquire(timeout=TURN_SECONDS):
        raise Refused(503, "Many LINE accounts are being checked just now; try again in a moment.")
    try:
        yield
    finally:
        turns.release()


def read_settings(request: Request) -> Settings:
    """The settings of this application."""
    settings: Settings = request.app.state.settings
    return settings


def ask_about_registration(
    body: LineAccountCreate, request: Request, caller: Caller, now: Now, is_asked: WhetherToAsk = True
) -> Registration:
    """Ask LINE whether id and secret fit, keep the account, and ask all the rest. No transaction is open meanwhile.

    Raises Invalid where LINE refuses id and secret, and what keeping an account raises.
    """
    settings = read_settings(request)
    refuse_mode(settings, body.mode)
    digest = _digest(request, caller)
    if not is_asked or _is_answered(request, caller, now):
        return Registration(body, None, None)
    with turn_to_ask(request):
        asked = ask_credentials(settings, _describe_new(body))
    _refuse(asked)
    if not asked.is_reached:
        return Registration(body, _find_made_id(request, caller, body, digest, now), asked)
    account, is_first = _keep(request, caller, body, digest, now)
    if not is_first and _wait_for_twin(request, caller, now):
        return Registration(body, account.id, None)
    patient = _describe_new(body, webhook_url=service.webhook_url(settings.public_url, account.id))
    with turn_to_ask(request):
        return Registration(body, account.id, ask_rest(settings, patient, asked))


def _describe_new(body: LineAccountCreate, webhook_url: str = "") -> Patient:
    secret = body.login_channel_secret
    return Patient(
        channel_id=body.channel_id,
        secret=body.channel_secret.get_secret_value(),
        mode=body.mode,
        webhook_url=webhook_url,
        plan=body.plan,
        login_channel_id=body.login_channel_id,
        login_secret=secret.get_secret_value() if secret is not None else None,
    )


def _digest(request: Request, caller: CallerInfo) -> bytes | None:
    """What tells this request from all others; None without an Idempotency-Key."""
    key = idempotency.read_key(request.headers)
    if key is None:
        return None
    return sha256(f"{caller.id} {key}\n".encode() + idempotency.digest_request(request, caller.scope)).digest()


def _is_answered(request: Request, caller: CallerInfo, now: datetime) -> bool:
    """Whether the request's key was used before, so that its answer is not made here."""
    key = idempotency.read_key(request.headers)
    if key is None:
        return False
    with open_session(request.app.state.engine, caller.scope) as session:
        kept = session.get(idempotency.IdempotencyKey, (caller.scope.brand_id, caller.id, key))
        return kept is not None and kept.kept_until >= now


def _wait_for_twin(request: Request, caller: CallerInfo, now: datetime) -> bool:
    """Whether the same request, which kept the account a moment ago, has been answered. It may have died instead."""
    until = time.monotonic() + TWIN_SECONDS
    while not _is_answered(request, caller, now):
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _keep(
    request: Request, caller: CallerInfo, body: LineAccountCreate, digest: bytes | None, now: datetime
) -> tuple[LineAccount, bool]:
    """The account, committed, and whether it was this request that made it rather than a twin of it.

    An account knows by its id which request made it: so one that died before its answer can be repeated.
    """
    with open_session(request.app.state.engine, caller.scope) as session:
        if digest is not None and (made := _find_made(session, body.channel_id, digest, now)):
            return made, False
        follow(session)
        try:
            account = keep_new(request, session, body, account_id=uuid7_of(digest) if digest else uuid7())
        except ChannelTaken:
            session.rollback()
            if digest is not None and (made := _find_made(session, body.channel_id, digest, now)):
                return made, False
            raise
        # Should the rest never be written down, a worker checks it again.
        account.findings, account.checked_at = write_findings([say("not_finished")]), now
        audit.record_ahead(request, session, Thing("acc", account.id), 201)
        session.commit()
        return account, True


def _find_made_id(
    request: Request, caller: CallerInfo, body: LineAccountCreate, digest: bytes | None, now: datetime
) -> UUID | None:
    if digest is None:
        return None
    with open_session(request.app.state.engine, caller.scope) as session:
        made = _find_made(session, body.channel_id, digest, now)
        return made.id if made is not None else None


def _find_made(session: ScopedSession, channel_id: str, digest: bytes, now: datetime) -> LineAccount | None:
    """The account of this channel, if an equal request made it while its key lived."""
    account = queries.find_account_of_channel(session, channel_id)
    if account is None or not is_of(account.id, digest) or now - account.created_at > idempotency.LIFE:
        return None
    return account


def keep_new(
    request: Request, session: ScopedSession, body: LineAccountCreate, *, account_id: UUID | None = None
) -> LineAccount:
    """A new account as a body names it, in this session. Raises NotFound, Invalid, ChannelTaken."""
    values: dict[str, Any] = {name: getattr(body, name) for name in COLUMNS}
    if account_id is not None:
        values["id"] = account_id
    login_secret = body.login_channel_secret
    return service.register_account(
        session,
        brand_key_of(session, request.app.state.keyring),
        values,
        secret=body.channel_secret.get_secret_value(),
        login_secret=login_secret.get_secret_value() if login_secret is not None else None,
        store_ids=body.store_ids,
    )


def ask_about_change(
    line_account_id: LineAccountId,
    body: LineAccountPatch,
    request: Request,
    caller: Caller,
    is_asked: WhetherToAsk = True,
) -> Asked | None:
    """What LINE says of the credentials that a change brings, before they are kept; None where it brings none.

    Raises NotFound, ChannelFixed, and Invalid where LINE refuses them.
    """
    settings = read_settings(request)
    refuse_mode(settings, body.mode)
    given = body.model_fields_set
    if not is_asked or not given & {"channel_id", "channel_secret", "login_channel_id", "login_channel_secret", "mode"}:
        return None
    with open_session(request.app.state.engine, caller.scope) as session:
        account = queries.get_account(session, line_account_id)
        service.refuse_move(session, account, patches.changes_of(body))
        present = service.describe(account, brand_key_of(session, request.app.state.keyring), settings.public_url)
    patient = _describe_changed(present, body)
    if patient == present or patient.secret is None:
        return None
    with turn_to_ask(request):
        asked = ask_readings(settings, patient)
    _refuse(asked, given)
    return asked


def _describe_changed(present: Patient, body: LineAccountPatch) -> Patient:
    given = body.model_fields_set
    login_secret = body.login_channel_secret
    login = present.login_secret if "login_channel_id" not in given else None
    if "login_channel_secret" in given:
        login = login_secret.get_secret_value() if login_secret is not None else None
    moves = any(name in given and getattr(body, name) != getattr(present, name) for name in ("channel_id", "mode"))
    secret = body.channel_secret.get_secret_value() if "channel_secret" in given else present.secret
    return Patient(
        channel_id=body.channel_id if "channel_id" in given else present.channel_id,
        secret=secret,
        mode=body.mode if "mode" in given else present.mode,
        webhook_url=present.webhook_url,
        bot_user_id=None if moves else present.bot_user_id,
        plan=body.plan if "plan" in given else present.plan,
        was_good=present.was_good and not moves and secret == present.secret,
        login_channel_id=body.login_channel_id if "login_channel_id" in given else present.login_channel_id,
        login_secret=login,
    )


def examine_account(line_account_id: LineAccountId, request: Request, caller: Caller) -> Asked:
    """What LINE says of an account as it stands, its webhook pointed at us."""
    state = request.app.state
    with open_session(state.engine, caller.scope) as session:
        account = queries.get_account(session, line_account_id)
        patient = service.describe(account, brand_key_of(session, state.keyring), state.settings.public_url)
    with turn_to_ask(request):
        return ask_all(state.settings, patient, connect=True)


def refuse_mode(settings: Settings, mode: str | None) -> None:
    """Refuse test mode where there is nothing to test against. Raises Invalid."""
    if mode == "test" and settings.line_test_url is None:
        detail = "This installation names no look-alike of LINE (NOREN_LINE_TEST_URL), so accounts can only be live."
        raise Invalid.at("/mode", detail)


_FIELDS = {
    "channel_secret": ("secret_refused", "secret_ended", "token_refused"),
    "login_channel_secret": ("login_refused",),
}


def _refuse(asked: Asked, given: set[str] | None = None) -> None:
    """Refuse credentials that LINE refuses; of a change those that it brings. Raises Invalid."""
    errors = []
    for field, codes in _FIELDS.items():
        brought = given is None or given & {field, field.replace("_secret", "_id")}
        for finding in asked.findings:
            if brought and finding.code in codes:
                told = {"detail": finding.tell(), "detail_ja": finding.tell("ja")}
                errors.append({"pointer": f"/{field}", **told})
    if errors:
        raise Invalid(errors)


AskedRegistration = Annotated[Registration, Depends(ask_about_registration, scope="function")]
AskedChange = Annotated[Asked | None, Depends(ask_about_change, scope="function")]
AskedAll = Annotated[Asked, Depends(examine_account, scope="function")]
