"""All that the sandbox holds, in one place."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from app.sandbox.accounts.state import FollowerLists, Groups
from app.sandbox.chaos import Chaos
from app.sandbox.chats.state import Chats
from app.sandbox.clock import Clock
from app.sandbox.contents.state import Contents
from app.sandbox.coupons.state import Coupons
from app.sandbox.faults import Faults
from app.sandbox.insight.state import Insight
from app.sandbox.ledger import Ledger
from app.sandbox.limits import Buckets, FloodGuard
from app.sandbox.login.channels import LoginChannel
from app.sandbox.login.state import Login
from app.sandbox.oidc.state import Oidc
from app.sandbox.phone.state import Phones
from app.sandbox.quota.state import Quotas
from app.sandbox.reply_tokens import ReplyTokens
from app.sandbox.richmenus.images import Images
from app.sandbox.richmenus.metrics import Metrics
from app.sandbox.richmenus.state import RichMenus
from app.sandbox.settings import Settings
from app.sandbox.tokens.state import Tokens
from app.sandbox.weather.state import Weather
from app.sandbox.webhooks import Outbox
from app.sandbox.world import Channel, World

FIRST_MESSAGE_NO = 642_012_345_678_000_000
"""Message ids are numeric strings of 18 digits that grow."""


_SAVED = (
    *("tokens", "oidc", "login", "quotas", "insight", "chats"),
    *("rich_menus", "menu_images", "menu_metrics", "coupons", "groups"),
    *("contents", "phones"),
)


class Saved(Protocol):
    """A part of the sandbox that outlives a restart. Whoever changes it adds one to `world.version`."""

    def saved(self) -> Any:
        """What has to be kept, as JSON."""

    def restore(self, value: Any) -> None:
        """Take back what `saved` gave, in this version or an earlier one. Raises KeyError, TypeError or ValueError."""


@runtime_checkable
class Noted(Saved, Protocol):
    """A part too large to be written whole after each change: it tells each one, and `saved` is rarely asked.

    It tells by `world.changes.note("note", "<name of the part>", …)`; a change says what is now, so that one that is
    read twice, or is in `saved` already, does no harm.
    """

    def replay(self, *change: Any) -> None:
        """Make a change again that was noted. Raises KeyError, TypeError or ValueError."""


@dataclass(slots=True)
class Sandbox:
    """One running sandbox. Everything happens on one event loop, so nothing here needs a lock."""

    clock: Clock = field(default_factory=Clock)
    world: World = field(default_factory=World)
    tokens: Tokens = field(default_factory=Tokens)
    limits: Buckets = field(default_factory=Buckets)
    flood: FloodGuard = field(default_factory=FloodGuard)
    quotas: Quotas = field(default_factory=Quotas)
    faults: Faults = field(default_factory=Faults)
    ledger: Ledger = field(default_factory=Ledger)
    insight: Insight = field(default_factory=Insight)
    chats: Chats = field(default_factory=Chats)
    reply_tokens: ReplyTokens = field(default_factory=ReplyTokens)
    contents: Contents = field(default_factory=Contents)
    phones: Phones = field(default_factory=Phones)
    outbox: Outbox = field(default_factory=Outbox)
    chaos: Chaos = field(default_factory=Chaos)
    weather: Weather = field(default_factory=Weather)
    oidc: Oidc = field(default_factory=Oidc)
    login: Login = field(default_factory=Login)
    rich_menus: RichMenus = field(default_factory=RichMenus)
    menu_images: Images = field(default_factory=Images)
    menu_metrics: Metrics = field(default_factory=Metrics)
    coupons: Coupons = field(default_factory=Coupons)
    groups: Groups = field(default_factory=Groups)
    follower_lists: FollowerLists = field(default_factory=FollowerLists)
    settings: Settings = field(default_factory=Settings)
    next_message_no: int = FIRST_MESSAGE_NO
    webhook_log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1_000))
    resets: int = 0
    """How often the ledger was emptied, so that what was saved of it can be emptied too."""

    def list_saved(self) -> dict[str, Saved]:
        """The parts that outlive a restart beside the world and the ledger, by name."""
        return {name: getattr(self, name) for name in _SAVED}

    def find_owner(self, channel_id: str) -> Channel | LoginChannel | None:
        """The channel of this id, of either kind."""
        return self.world.channels.get(channel_id) or self.login.channels.get(channel_id)

    def login_channel_of(self, authorization: str | None) -> LoginChannel | None:
        """The Login channel whose own short-lived or stateless token stands in the header."""
        return self.tokens.find_owner(self.login.channels, authorization, self.clock.now())

    def use(self, settings: Settings) -> None:
        """Let these settings hold from now on."""
        self.settings = settings
        self.limits.burst = 2.0 if settings.bucket_capacity == "double" else 1.0
        if self.webhook_log.maxlen != settings.webhook_log_size:
            self.webhook_log = deque(self.webhook_log, maxlen=settings.webhook_log_size)

    def take_message_nos(self, count: int) -> int:
        """The first of `count` fresh message ids."""
        first = self.next_message_no
        self.next_message_no += count
        return first
