"""LINE Login channels and their LIFF apps."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox.world import Channel, Impossible, World, derive, put_provider

MOST_CALLBACK_URLS = 400
MOST_LIFF_APPS = 30
STATUSES = ("published", "developing")
LIFF_SCOPES = ("openid", "email", "profile", "chat_message.write")
BOT_PROMPTS = ("normal", "aggressive", "none")
_LETTERS = string.ascii_letters + string.digits


@dataclass(slots=True)
class LiffApp:
    """A page that opens inside LINE, as its Login channel registered it."""

    liff_id: str
    view: dict[str, Any]
    """`type` compact, tall or full; `url`; perhaps `moduleMode`."""
    description: str | None = None
    features: dict[str, bool] = field(default_factory=lambda: {"ble": False, "qrCode": False})
    permanent_link_pattern: str = "concat"
    scope: list[str] = field(default_factory=lambda: ["profile", "chat_message.write"])
    bot_prompt: str = "none"

    def shown(self) -> dict[str, Any]:
        """The app as LINE's API lists it."""
        shown = {
            "liffId": self.liff_id,
            "view": self.view,
            "description": self.description,
            "features": self.features,
            "permanentLinkPattern": self.permanent_link_pattern,
            "scope": self.scope,
            "botPrompt": self.bot_prompt,
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(slots=True)
class LoginChannel:
    """A LINE Login channel. Its provider is where its user ids come from."""

    channel_id: str
    provider_id: str
    channel_secret: str
    name: str
    linked_channel_id: str | None = None
    """The one account that it can offer as a friend. None: the first account that names this Login channel."""
    callback_urls: list[str] = field(default_factory=list)
    status: str = "published"
    """At LINE a channel begins as "developing", where only `testers` can sign in."""
    testers: list[str] = field(default_factory=list)
    """Ids of people."""
    email_permission: bool = False
    """Whether LINE approved of asking for e-mail addresses."""
    liff_apps: dict[str, LiffApp] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The channel as the sandbox's control shows it."""
        return {**asdict(self), "liff_apps": [app.shown() for app in self.liff_apps.values()]}


_SETTINGS: Mapping[str, type | tuple[type, ...]] = {
    "channel_secret": str,
    "name": str,
    "linked_channel_id": (str, type(None)),
    "callback_urls": list,
    "status": str,
    "testers": list,
    "email_permission": bool,
}


def put_login_channel(channels: dict[str, LoginChannel], world: World, values: Mapping[str, Any]) -> LoginChannel:
    """The Login channel, made or changed in the settings that are given. Raises Impossible."""
    channel_id, provider_id = values.get("channel_id"), values.get("provider_id")
    if not isinstance(channel_id, str) or not channel_id or channel_id in world.channels:
        raise Impossible(f"{channel_id!r} is no id for a Login channel")
    if unknown := set(values) - {*_SETTINGS, "channel_id", "provider_id", "liff_apps"}:
        raise Impossible(f"Login channel {channel_id}: unknown {', '.join(sorted(unknown))}")
    known = channels.get(channel_id)
    if known is None and not isinstance(provider_id, str):
        raise Impossible(f"Login channel {channel_id} is new and needs a provider_id")
    if known is not None and provider_id not in (None, known.provider_id):
        raise Impossible(f"Login channel {channel_id} belongs to provider {known.provider_id} and can never move")
    provider_id = known.provider_id if known else str(provider_id)
    changed = known or LoginChannel(channel_id, provider_id, derive("login secret", channel_id), channel_id)
    settings = {name: values[name] for name in _SETTINGS if name in values}
    _check(channel_id, provider_id, settings, world)
    apps = [_read_app(channel_id, app) for app in values.get("liff_apps") or []]
    put_provider(world, provider_id)
    for name, value in settings.items():
        setattr(changed, name, value)
    for app in apps:
        changed.liff_apps[app.liff_id] = app
    channels[channel_id] = changed
    world.version += 1
    return changed


def _check(channel_id: str, provider_id: str, settings: Mapping[str, Any], world: World) -> None:
    for name, value in settings.items():
        if not isinstance(value, _SETTINGS[name]):
            raise Impossible(f"Login channel {channel_id}: {name} has the wrong type")
    for name in ("callback_urls", "testers"):
        if not all(isinstance(each, str) and each for each in settings.get(name, [])):
            raise Impossible(f"Login channel {channel_id}: {name} is a list of texts")
    if len(settings.get("callback_urls", [])) > MOST_CALLBACK_URLS:
        raise Impossible(f"Login channel {channel_id} may have {MOST_CALLBACK_URLS} callback_urls")
    if settings.get("status", "published") not in STATUSES:
        raise Impossible(f"Login channel {channel_id}: status is one of {', '.join(STATUSES)}")
    linked = settings.get("linked_channel_id")
    if linked is not None and (linked not in world.channels or world.channels[linked].provider_id != provider_id):
        raise Impossible(f"Login channel {channel_id}: {linked} is no account of provider {provider_id}")


def _read_app(channel_id: str, value: Any) -> LiffApp:
    """A LIFF app as the control takes it: as LINE's API does, with `liffId` if it is to be a certain one."""
    view = value.get("view") if isinstance(value, dict) else None
    if not isinstance(view, dict) or not isinstance(view.get("url"), str):
        raise Impossible(f"Login channel {channel_id}: a LIFF app has a view with a url")
    liff_id = value.get("liffId") or f"{channel_id}-{derive('liff', channel_id, view['url'])[:8]}"
    if not isinstance(liff_id, str) or not liff_id.startswith(f"{channel_id}-"):
        raise Impossible(f"Login channel {channel_id}: a liffId begins with {channel_id}-")
    return LiffApp(
        liff_id=liff_id,
        view={"type": "full", **view},
        description=value.get("description"),
        scope=list(value.get("scope") or ["profile", "chat_message.write"]),
        bot_prompt=value.get("botPrompt") or "none",
    )


def new_liff_id(channel: LoginChannel) -> str:
    """An id that no app of this channel has."""
    return f"{channel.channel_id}-{''.join(secrets.choice(_LETTERS) for _ in range(8))}"


def linked_account(channel: LoginChannel, world: World) -> Channel | None:
    """The account that this Login channel offers as a friend, and whose friendship it can ask for."""
    if channel.linked_channel_id is not None:
        return world.channels.get(channel.linked_channel_id)
    naming = (each for each in world.channels_by_no if each.login_channel_id == channel.channel_id)
    return next(naming, None)
