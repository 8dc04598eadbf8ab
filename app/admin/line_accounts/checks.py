"""The doctor of one LINE account: what is wrong at LINE, in plain words, and what to click. It touches no database."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.line.client import BotInfo, LineClient
from app.line.errors import LineError, LineRateLimited, LineRefused


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    check: str
    ok: bool
    detail: str


@dataclass
class Findings:
    """All that was found, with what LINE said of the account where it said it."""

    checks: list[Check] = field(default_factory=list)
    bot: BotInfo | None = None
    limit: int | None = None
    used: int | None = None
    """None when LINE did not tell limit and use."""

    @property
    def trouble(self) -> str | None:
        """What is wrong first of all, or None."""
        return next((one.detail for one in self.checks if not one.ok), None)


def examine(line: LineClient, webhook_url: str, known_bot_user_id: str | None) -> Findings:
    """Try everything that the account needs of LINE, and point its webhook at us. Each call ends in time.

    When one fails because LINE cannot be reached, the others are not tried.
    """
    findings = Findings()

    def find_token() -> Check:
        line.check_credentials()
        return Check("token", True, "LINE accepts the channel id and secret.")

    def find_bot() -> Check:
        findings.bot = bot = line.get_bot_info()
        if known_bot_user_id not in (None, bot.user_id):
            detail = "The channel belongs to another LINE account than before. Register it as an account of its own."
            return Check("bot", False, detail)
        return Check("bot", True, f"The channel belongs to {bot.display_name} ({bot.basic_id}).")

    def find_webhook() -> Check:
        present = line.find_webhook_endpoint()
        if present is not None and present.url == webhook_url:
            return Check("webhook", True, "LINE sends this account's webhooks here.")
        line.set_webhook_endpoint(webhook_url)
        before = f", no longer to {present.url}" if present is not None and present.url else ""
        return Check("webhook", True, f"From now on LINE sends this account's webhooks here{before}.")

    def find_switch() -> Check:
        present = line.find_webhook_endpoint()
        if present is not None and present.active:
            return Check("webhook_active", True, '"Use webhook" is on.')
        detail = (
            'Webhooks are switched off. In the LINE Developers Console open the channel, "Messaging API", and switch'
            ' "Use webhook" and "Webhook redelivery" on.'
        )
        return Check("webhook_active", False, detail)

    def find_quota() -> Check:
        limit, used = line.get_quota(), line.get_consumption()
        findings.limit, findings.used = limit, used
        return Check("quota", True, f"{used} of {'unlimited' if limit is None else limit} messages used this month.")

    steps: list[tuple[str, Callable[[], Check]]] = [
        ("token", find_token),
        ("bot", find_bot),
        ("webhook", find_webhook),
        ("webhook_active", find_switch),
        ("quota", find_quota),
    ]
    hopeless: str | None = None
    for name, step in steps:
        if hopeless:
            findings.checks.append(Check(name, False, hopeless))
            continue
        try:
            findings.checks.append(step())
        except LineError as error:
            findings.checks.append(Check(name, False, _advise(name, error)))
            if name == "token" or not isinstance(error, LineRefused):
                hopeless = "Not tried, because of the trouble before it."
    return findings


def _advise(name: str, error: LineError) -> str:
    """What an error of LINE means to the person who set the account up."""
    if isinstance(error, LineRateLimited):
        return "LINE is asked too often just now. Check again in a minute."
    if not isinstance(error, LineRefused):
        return f"LINE cannot be reached just now ({error}). Check again in a minute."
    if name == "token":
        return (
            "LINE refuses the channel id and secret. In the LINE Developers Console open the channel, copy both from"
            ' "Basic settings", and note that a reissued secret ends the old one at once.'
        )
    if name == "webhook":
        return f"LINE refuses our webhook address, which must be public and https: {error.message}"
    return str(error)
