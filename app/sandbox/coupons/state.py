"""All coupons, and the copies of them in people's hands, which LINE calls tickets."""

from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox.world import Changes

_PART = "coupons"


@dataclass(slots=True)
class Coupon:
    """A coupon as it was created: `content` holds the fields of the request."""

    id: str
    channel_no: int
    no: int
    """1 for the account's first, and so on."""
    content: dict[str, Any]
    created_at: float
    max_tickets: int = 1
    """How many one person may get."""
    closed: bool = False
    draft: bool = False
    tries: int = 0
    """How often a lottery was entered."""


@dataclass(slots=True)
class Ticket:
    """A coupon that somebody has acquired."""

    id: str
    coupon_id: str
    person_no: int
    acquired_at: float
    used_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Coupons:
    """Coupons by id and by account, tickets by person. Each change is noted, for a crowd acquires many."""

    by_id: dict[str, Coupon] = field(default_factory=dict)
    _of_channel: dict[int, dict[int, Coupon]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    _of_person: dict[int, list[Ticket]] = field(default_factory=dict)
    _counts: dict[str, list[int]] = field(default_factory=dict)
    """Tickets acquired, and uses, by coupon."""

    def put(self, coupon: Coupon, changes: Changes) -> None:
        """Keep a coupon that is new or has changed."""
        self._put(coupon)
        changes.note("note", _PART, "coupon", asdict(coupon))

    def put_ticket(self, ticket: Ticket, changes: Changes) -> None:
        """Keep a ticket that is new or has been used."""
        self._put_ticket(ticket)
        changes.note("note", _PART, "ticket", asdict(ticket))

    def list_of(self, channel_no: int) -> list[Coupon]:
        """All coupons of an account, oldest first."""
        return list(self._of_channel.get(channel_no, {}).values())

    def list_tickets(self, person_no: int) -> list[Ticket]:
        """All that she has acquired, oldest first."""
        return self._of_person.get(person_no, [])

    def count(self, coupon_id: str) -> tuple[int, int]:
        """How many tickets were acquired, and how often they were used."""
        acquired, used = self._counts.get(coupon_id, (0, 0))
        return acquired, used

    def reset(self, changes: Changes, *, coupons_too: bool) -> None:
        """Forget tickets, and with `coupons_too` all coupons."""
        self._forget(coupons_too=coupons_too)
        changes.note("note", _PART, "forget", coupons_too)

    def saved(self) -> Any:
        """All of it, as JSON."""
        return {
            "coupons": [asdict(each) for each in self.by_id.values()],
            "tickets": [asdict(each) for each in self.tickets.values()],
        }

    def restore(self, value: Any) -> None:
        """Take it back."""
        for row in value["coupons"]:
            self._put(Coupon(**row))
        for row in value["tickets"]:
            self._put_ticket(Ticket(**row))

    def replay(self, *change: Any) -> None:
        """A coupon or a ticket as it is now, or that they were forgotten."""
        match change:
            case "coupon", row:
                self._put(Coupon(**row))
            case "ticket", row:
                self._put_ticket(Ticket(**row))
            case "forget", coupons_too:
                self._forget(coupons_too=bool(coupons_too))
            case _:
                raise ValueError(f"coupons do not change by {change[0]!r}")

    def _put(self, coupon: Coupon) -> None:
        self.by_id[coupon.id] = coupon
        self._of_channel.setdefault(coupon.channel_no, {})[coupon.no] = coupon

    def _put_ticket(self, ticket: Ticket) -> None:
        known = self.tickets.get(ticket.id)
        counts = self._counts.setdefault(ticket.coupon_id, [0, 0])
        if known is None:
            self.tickets[ticket.id] = ticket
            self._of_person.setdefault(ticket.person_no, []).append(ticket)
            counts[0] += 1
            counts[1] += len(ticket.used_at)
        else:
            counts[1] += len(ticket.used_at) - len(known.used_at)
            known.used_at = ticket.used_at

    def _forget(self, *, coupons_too: bool) -> None:
        self.tickets.clear()
        self._of_person.clear()
        self._counts.clear()
        for coupon in self.by_id.values():
            coupon.tries = 0
        if coupons_too:
            self.by_id.clear()
            self._of_channel.clear()
