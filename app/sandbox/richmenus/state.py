"""Rich menus of all accounts. Whom a menu is linked to stands among the traits of people, in the world."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

MOST_MENUS = MOST_ALIASES = 1_000
KEPT_BATCH_SECONDS = 14 * 24 * 3600


@dataclass(slots=True)
class RichMenu:
    """A menu as it was created: `content` holds size, selected, name, chatBarText and areas."""

    id: str
    content: dict[str, Any]
    created_at: float
    image: str | None = None
    """The digest of its image, which many menus may share."""


@dataclass(slots=True)
class Account:
    """The rich menus of one channel. Those of `manager` and `another` no API of this channel shows."""

    menus: dict[str, RichMenu] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """Alias → id of a menu, which may have been deleted since."""
    default: str | None = None
    manager: RichMenu | None = None
    """The default that somebody made in LINE's manager."""
    another: RichMenu | None = None
    """The default that another channel of the same account has set by API."""


@dataclass(slots=True)
class Batch:
    """Links to be changed when the sandbox's clock reaches `due_at`: of some people, or as operations say."""

    channel_no: int
    accepted_at: float
    due_at: float
    people: list[int] | None = None
    """Who is linked to `menu_id`, or unlinked if that is None; None for a batch of operations."""
    menu_id: str | None = None
    operations: list[dict[str, str]] = field(default_factory=list)
    resume_key: str | None = None
    request_ids: list[str] = field(default_factory=list)
    """Ids by which its progress is asked for: one, and one for each repetition with the same key."""
    phase: str = "ongoing"


@dataclass(slots=True)
class RichMenus:
    """Menus, aliases, defaults and batches: everything but images, counts, and whom a menu is linked to."""

    accounts: dict[int, Account] = field(default_factory=dict)
    """By channel number."""
    batches: list[Batch] = field(default_factory=list)
    """In the order in which they came; those that are done as long as their progress can be asked for."""

    def of(self, channel_no: int) -> Account:
        """The menus of this channel."""
        return self.accounts.setdefault(channel_no, Account())

    def list_menus(self) -> Iterator[RichMenu]:
        """Every menu of every account."""
        for account in self.accounts.values():
            for menu in (*account.menus.values(), account.manager, account.another):
                if menu is not None:
                    yield menu

    def forget_batches(self, now: float) -> None:
        """Drop those whose progress nobody can ask for any more."""
        self.batches = [
            each for each in self.batches if each.phase == "ongoing" or now - each.accepted_at < KEPT_BATCH_SECONDS
        ]

    def reset(self, *, menus_too: bool) -> None:
        """Forget batches, and with `menus_too` all menus."""
        self.batches.clear()
        if menus_too:
            self.accounts.clear()

    def saved(self) -> Any:
        """All of it, as JSON."""
        return {
            "accounts": {str(no): _row(account) for no, account in self.accounts.items()},
            "batches": [_row(batch) for batch in self.batches],
        }

    def restore(self, value: Any) -> None:
        """Take it back."""
        self.accounts = {int(no): _account(row) for no, row in value["accounts"].items()}
        self.batches = [Batch(**row) for row in value["batches"]]


def new_menu(content: dict[str, Any], now: float) -> RichMenu:
    """A menu with an id of its own and no image yet."""
    kept = {name: content[name] for name in ("selected", "name", "chatBarText")}
    kept["size"] = {name: content["size"][name] for name in ("width", "height")}
    kept["areas"] = [
        {"bounds": {name: area["bounds"][name] for name in ("x", "y", "width", "height")}, "action": area["action"]}
        for area in content["areas"]
    ]
    return RichMenu("richmenu-" + secrets.token_hex(16), kept, now)


def _row(thing: Any) -> Any:
    """A row of a dataclass and those within it. `asdict` would copy all that menus contain, at every save."""
    if isinstance(thing, Account | Batch | RichMenu):
        return {each.name: _row(getattr(thing, each.name)) for each in fields(thing)}
    return {key: _row(value) for key, value in thing.items()} if _holds_menus(thing) else thing


def _holds_menus(thing: Any) -> bool:
    return isinstance(thing, dict) and isinstance(next(iter(thing.values()), None), RichMenu)


def _account(row: dict[str, Any]) -> Account:
    menus = {menu_id: RichMenu(**menu) for menu_id, menu in row["menus"].items()}
    unseen = {name: RichMenu(**row[name]) if row[name] else None for name in ("manager", "another")}
    return Account(menus=menus, aliases=row["aliases"], default=row["default"], **unseen)
