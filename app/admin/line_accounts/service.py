"""Verbs on LINE accounts that reach over to areas, friends and quotas."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.admin.line_accounts.checks import Asked, Patient, judge_use
from app.admin.line_accounts.findings import OVER_THE_WALL, Finding, find_trouble, read_findings, say, write_findings
from app.admin.line_accounts.queries import (
    find_contradiction,
    has_friends,
    list_others,
    map_quotas,
    read_forward_health,
)
from app.admin.line_accounts.schemas import GREETING_VARIABLES
from app.customers.backfill import start_backfill
from app.customers.tasks import defer_retie
from app.messaging.quota import JAPAN
from app.messaging.render import check_messages
from app.messaging.syncing import note_figures
from tenants.areas.queries import get_area, list_stores
from tenants.ids import encode_id
from tenants.line_accounts import service
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.problems import ChannelFixed
from tenants.problems import Invalid
from tenants.sealing import BrandKey, Unsealable
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.queries import get_stores

HEARD = timedelta(days=7)
"""A shop's account that brings nothing for so long has probably lost its webhook."""
FIRST_HEARD = timedelta(days=1)
STRAY = timedelta(days=1)


def register_account(
    session: ScopedSession,
    key: BrandKey,
    values: Mapping[str, Any],
    *,
    secret: str,
    login_secret: str | None,
    store_ids: Sequence[UUID] | None,
) -> LineAccount:
    """A new account of these stores, or of the stores of its area. Raises NotFound, Invalid, ChannelTaken."""
    refuse_greeting(values["greeting"])
    stores = _list_stores(session, values["area_id"], store_ids)
    return service.register_account(session, key, values, secret=secret, login_secret=login_secret, stores=stores)


def change_account(
    session: ScopedSession,
    account: LineAccount,
    changes: Mapping[str, Any],
    *,
    store_ids: Sequence[UUID] | None,
) -> None:
    """Change columns of an account, and its stores where they or its area are given.

    Raises NotFound, Invalid, ChannelTaken, and ChannelFixed for another channel, provider or mode once it has friends.
    """
    refuse_greeting(changes.get("greeting"))
    refuse_move(session, account, changes)
    stores = None
    if store_ids is not None or changes.get("area_id") is not None:
        stores = _list_stores(session, changes.get("area_id"), store_ids)
    service.change_account(session, account, changes)
    if stores is not None:
        service.set_stores(session, account, stores)
        defer_retie(session, account.id)


def refuse_move(session: ScopedSession, account: LineAccount, changes: Mapping[str, Any]) -> None:
    """Refuse another channel, provider or mode for an account that has friends. Raises ChannelFixed."""
    fixed = {name: getattr(account, name) for name in ("channel_id", "provider_id", "mode")}
    moves = any(changes.get(name, present) != present for name, present in fixed.items())
    if moves and has_friends(session, account.id):
        raise ChannelFixed


def refuse_greeting(messages: Sequence[Mapping[str, Any]] | None) -> None:
    """Refuse a greeting that LINE would not take, or whose variables nothing fills in. Raises Invalid."""
    if messages is None:
        return
    try:
        unknown = check_messages(messages).variables - GREETING_VARIABLES
    except Invalid as invalid:
        errors = [{**one, "pointer": one["pointer"].replace("/messages", "/greeting", 1)} for one in invalid.errors]
        raise Invalid(errors) from invalid
    if unknown:
        detail = f"A greeting can name {', '.join(sorted(GREETING_VARIABLES))}, not {min(unknown)}."
        raise Invalid.at("/greeting", detail)


def describe(account: LineAccount, key: BrandKey, public_url: str) -> Patient:
    """What a check has to know of an account; a secret that does not open is as good as none."""
    return Patient(
        channel_id=account.channel_id,
        secret=_open(service.open_secret, account, key),
        mode=account.mode,
        webhook_url=webhook_url(public_url, account.id),
        bot_user_id=account.bot_user_id,
        plan=account.plan,
        was_good=any(one.code in ("secret_fits", "secret_ended") for one in read_findings(account.findings)),
        login_channel_id=account.login_channel_id,
        login_secret=_open(service.open_login_secret, account, key),
    )


def _open(opening: Callable[[LineAccount, BrandKey], str | None], account: LineAccount, key: BrandKey) -> str | None:
    try:
        return opening(account, key)
    except Unsealable:
        return None


def webhook_url(public_url: str, account_id: UUID) -> str:
    """Where LINE sends an account's webhooks."""
    return f"{public_url.rstrip('/')}/line/webhook/{encode_id('acc', account_id)}"


def note_check(session: ScopedSession, account: LineAccount, asked: Asked, now: datetime) -> list[Finding]:
    """Write down what LINE said of an account, and what our own rows say of it; all that was found.

    After the first good check, those who followed before are read where LINE lets us. What was told of a channel that
    the account had when LINE was asked, and has no more, is left out.
    """
    if asked.channel != (account.channel_id, account.mode):
        return read_findings(account.findings)
    if asked.bot is not None:
        for name in ("basic_id", "premium_id", "display_name", "picture_url", "chat_mode"):
            setattr(account, name, getattr(asked.bot, name))
        account.bot_user_id = asked.bot.user_id
    if asked.is_verified is not None:
        account.is_verified = asked.is_verified
    findings = [*asked.findings, *_note_quota(session, account, asked, now), *look_around(session, account, asked, now)]
    account.findings, account.checked_at = write_findings(findings), now
    account.status_detail = find_trouble(findings)
    if account.status_detail is None:
        # Of one that LINE told nothing about nobody knows whether it is still in trouble.
        account.status = "ok" if asked.is_reached or account.status == "ok" else "unchecked"
    elif asked.is_reached or account.status != "unchecked":
        account.status = "trouble"
    if account.status == "ok" and account.is_verified and account.backfill is None:
        start_backfill(session, account, now)
    return findings


def _note_quota(session: ScopedSession, account: LineAccount, asked: Asked, now: datetime) -> list[Finding]:
    """Write LINE's quota down, and tell what follows beside our own count."""
    if asked.used is None:
        return []
    row = note_figures(session, account, limit=asked.limit, used=asked.used, now=now)
    found = []
    if row.used > asked.used:
        found.append(say("quota_lags", used=asked.used, sent=row.used))
    if row.others:
        found.append(say("quota_others", others=row.others, used=row.used))
    return found


def retell_quota(session: ScopedSession, account: LineAccount, now: datetime) -> None:
    """Put what is known of an account's quota now into what was found of it, without asking LINE."""
    row = map_quotas(session, [account.id], now).get(account.id)
    if account.findings is None or row is None or row.limit is None:
        return
    kept = [one for one in read_findings(account.findings) if one.check not in ("quota", "quota_others")]
    found = [say(judge_use(row.used, row.limit), used=row.used, limit=row.limit)]
    if row.others:
        found.append(say("quota_others", others=row.others, used=row.used))
    findings = [*kept, *found]
    account.findings = write_findings(findings)
    account.status_detail = find_trouble(findings)
    if account.status != "unchecked":
        account.status = "ok" if account.status_detail is None else "trouble"
    session.add(account)


def look_around(session: ScopedSession, account: LineAccount, asked: Asked, now: datetime) -> list[Finding]:
    """What our own rows say of an account: its provider beside the others', what arrived, what is forwarded."""
    found = [] if account.mode == "live" else [say("test_mode")]
    others = list_others(session, account)
    found += [
        say("duplicate", other=other.name)
        for other in others
        if account.bot_user_id is not None and other.bot_user_id == account.bot_user_id
    ][:1]
    found.append(_judge_provider(session, account, others))
    if account.other_destination_at is not None and now - account.other_destination_at < STRAY:
        found.append(say("wrong_destination"))
    if asked.is_active:
        found.append(_judge_silence(account, now))
    forward = read_forward_health(session, account.id)
    if forward is not None and forward.failing_since is not None:
        since = f"{forward.failing_since.astimezone(JAPAN):%Y-%m-%d %H:%M}"
        found.append(say("forward_failing", since=since, dead=forward.dead))
    elif forward is not None and forward.dead:
        found.append(say("forward_given_up", dead=forward.dead))
    return found


def _judge_provider(session: ScopedSession, account: LineAccount, others: Sequence[LineAccount]) -> Finding:
    """LINE has no API for the provider, so what is stated is held against evidence and against the others."""
    elsewhere = [other for other in others if other.provider_id != account.provider_id]
    provider = account.provider_id
    for other in elsewhere:
        if account.login_channel_id is not None and other.login_channel_id == account.login_channel_id:
            return say(
                "provider_login",
                provider=provider,
                other=other.name,
                other_provider=other.provider_id,
                login_channel=account.login_channel_id,
            )
    if elsewhere and (against := find_contradiction(session, account)) is not None:
        return say(
            "provider_wrong", provider=provider, other=against.other_name, other_provider=against.other_provider_id
        )
    if elsewhere:
        first = elsewhere[0]
        same = [other for other in elsewhere if other.provider_id == first.provider_id]
        return say(
            "provider_differs",
            provider=provider,
            other=first.name,
            other_provider=first.provider_id,
            count=len(same),
        )
    return say("provider_alone", provider=provider)


def _judge_silence(account: LineAccount, now: datetime) -> Finding:
    if account.heard_at is None:
        return say("never_heard" if now - account.created_at > FIRST_HEARD else "heard_soon")
    silent = now - account.heard_at
    return say("not_heard", days=silent.days) if silent > HEARD else say("heard")


def see_findings(session: ScopedSession, account: LineAccount) -> list[Finding] | None:
    """What the scope may know of the last check; None before the first one."""
    if account.findings is None:
        return None
    is_store = session.scope.store_nos is not None
    return [one for one in read_findings(account.findings) if not (is_store and one.check in OVER_THE_WALL)]


def _list_stores(session: ScopedSession, area_id: UUID | None, store_ids: Sequence[UUID] | None) -> Sequence[Store]:
    if area_id is None:
        return get_stores(session, store_ids or [])
    get_area(session, area_id)
    return list_stores(session, area_id)
