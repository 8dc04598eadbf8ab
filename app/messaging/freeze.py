"""Freeze: who gets a message from which account, and who does not and why, written in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from sqlalchemy import ColumnElement, false, func, or_, select, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlmodel import col

from app.customers.models import Customer
from app.customers.queries import is_present
from app.customers.summary import home_column
from app.messaging import all_accounts, trimming
from app.messaging.guards import Guards
from app.messaging.policies import ALL, DEFAULT, ORDERS
from tenants.scope import Scope
from tenants.session import ScopedSession

BATCH_SIZE = 500
"""LINE takes at most 500 people in one multicast."""
BATCHES_PER_ACCOUNT = 100_000


@dataclass(frozen=True)
class Sender:
    """An account that may send in a run, and for which of its stores it speaks in it."""

    account_no: int
    line_account_id: UUID
    store_nos: tuple[int, ...]
    """The stores that take part."""
    other_store_nos: tuple[int, ...] = ()
    """The account's stores that do not: a customer at home in one of these is not written to by this account."""
    available: int | None = None
    """How many messages it may send in this run; None where nothing limits it."""
    free: int | None = None
    """How many its quota still takes this month, by which accounts are compared; None where LINE sets no limit."""


@dataclass(frozen=True)
class Placement:
    """What a batch is cut for: one of the run's variants, or a later moment."""

    variant: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class Cut:
    """A way to part those who are chosen, so that each part has batches of its own."""

    sql: str
    """The number of a person's part, never null: driver SQL over the columns of `kept`."""
    values: Mapping[str, Any]
    """What stands behind the names in it."""
    place: Callable[[int], Placement]
    """What is said of the batches of a part. Where several cuts say something, the later moment holds."""
    join: str = ""
    """Driver SQL after `FROM kept` that brings what the number is found from, one row a person: `LEFT JOIN …`."""
    may_wait: bool = True
    """Whether some of its parts wait for a moment, and so perhaps for another month with its own quota."""


@dataclass(frozen=True)
class Audience:
    """Whom to choose from, and the guards to hold against each."""

    where: ColumnElement[bool]
    """A condition on `Customer`."""
    senders: Sequence[Sender]
    """In the order in which the policy `fixed_order` prefers them."""
    sender_policy: str = DEFAULT
    only_tied: bool = False
    """Whether people whom no sender reaches are no part of the audience at all, instead of left out as `no_friend`."""
    holdout_ratio: float = 0.0
    holdout_salt: str = ""
    """The same person and salt are always held out or never."""
    cap_run_ids: Sequence[UUID] = ()
    """Whoever was chosen in one of these runs is left out as `cap`."""
    capped: ColumnElement[bool] | None = None
    """A further condition on `Customer` that leaves out as `cap`, such as a coupon's cap per customer."""
    most: int | None = None
    """How many may be chosen in all; those beyond are left out as `cap`."""
    guards: Guards | None = None
    """What the brand holds against everybody; whoever starts or plans a run sets it."""
    cuts: Sequence[Cut] = ()
    trim_by: str = trimming.DEFAULT
    """Who goes first where an account's quota does not suffice for everybody."""
    owner_no: int | None = None
    """The store whose run it is. The numbers of its runs must not tell it where people are at home by what they do."""

    @property
    def is_several(self) -> bool:
        """Whether a person gets a message from each account that reaches her, instead of one."""
        return self.sender_policy == ALL


@dataclass
class Tally:
    """What a freeze or its rehearsal came to."""

    chosen: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    chosen_by_account: dict[int, int] = field(default_factory=dict)
    batches: dict[int, dict[str, int]] = field(default_factory=dict)
    """Batch number → store number as text → people."""
    parts: dict[int, Sequence[int]] = field(default_factory=dict)
    """Batch number → the numbers of its parts, one for each cut of the audience."""


def lock_brand(session: ScopedSession) -> None:
    """Let one freeze of a brand run at a time, so that two launches cannot each count a cap or a quota as free."""
    session.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"),
        {"place": f"freeze:{session.scope.brand_id}"},
    )


def rehearse(session: ScopedSession, audience: Audience) -> Tally:
    """What freezing this audience now would come to; nothing is written."""
    choice, values = write_choice(session, audience)
    return read_tally(session, f"{choice} {COUNT_NUMBERED}", values)


def freeze(session: ScopedSession, run_id: UUID, audience: Audience) -> Tally:
    """Write the deliveries of a run and its batches, each batch with the retry key that its sending will use."""
    choice, values = write_choice(session, audience)
    insert = f"""
        {choice}, inserted AS (
            INSERT INTO delivery (brand_id, customer_id, run_id, batch_no, account_no, store_no, line_user_id, reason
                                  {", slot" if audience.is_several else ""})
            SELECT %(brand_id)s, customer_id, %(run_id)s, batch_no, account_no, store_no,
                   CASE WHEN reason IS NULL THEN line_user_id END, reason
                   {", coalesce(account_no, 0)" if audience.is_several else ""}
            FROM numbered ORDER BY account_no, batch_no, customer_id
            RETURNING account_no, batch_no, store_no, reason
        ) {_COUNT_PARTS if audience.cuts else _COUNT}"""
    tally = read_tally(session, insert, {**values, "run_id": run_id})
    _insert_batches(session, run_id, tally, audience)
    return tally


COUNT_NUMBERED: Final = (
    "SELECT account_no, batch_no, store_no, reason, parts, count(*) FROM numbered GROUP BY 1, 2, 3, 4, 5"
)
"""Ends the expressions of `write_choice` with what `read_tally` reads."""
_COUNT: Final = (
    "SELECT account_no, batch_no, store_no, reason, NULL::int[] AS parts, count(*) FROM inserted GROUP BY 1, 2, 3, 4"
)
# An insert answers with the columns of its table only.
_COUNT_PARTS: Final = """
, batch_parts AS (SELECT DISTINCT batch_no, parts FROM numbered WHERE batch_no IS NOT NULL)
SELECT account_no, batch_no, store_no, reason, parts, count(*)
FROM inserted LEFT JOIN batch_parts USING (batch_no) GROUP BY 1, 2, 3, 4, 5
"""


def write_choice(
    session: ScopedSession, audience: Audience, *, compares_all: bool = False
) -> tuple[str, dict[str, Any]]:
    """The common table expressions that end in `numbered`, and their values: one row for each person.

    `tie` holds what the audience's policy compares; with `compares_all` what any policy does.
    Reasons are judged in this order: no_friend, consent, cap, quiet_hours, holdout, then cap by `most`, then quota.
    """
    people, values = _people(session, audience)
    values |= {
        "brand_id": session.scope.brand_id,
        "account_nos": [sender.account_no for sender in audience.senders],
        "senders": [sender.account_no for sender in audience.senders for _ in (sender.store_nos or (0,))],
        "sender_stores": [no for sender in audience.senders for no in (sender.store_nos or (0,))],
        "ranks": [rank for rank, sender in enumerate(audience.senders) for _ in (sender.store_nos or (0,))],
        "frees": [sender.free for sender in audience.senders for _ in (sender.store_nos or (0,))],
        "closed_senders": [sender.account_no for sender in audience.senders for _ in sender.other_store_nos],
        "closed_stores": [no for sender in audience.senders for no in sender.other_store_nos],
        "quota_accounts": [s.account_no for s in audience.senders if s.available is not None],
        "quotas": [s.available for s in audience.senders if s.available is not None],
        "cap_run_ids": list(audience.cap_run_ids),
        "holdout_ratio": audience.holdout_ratio,
        "holdout_salt": audience.holdout_salt,
        "most": audience.most,
    }
    guards = audience.guards
    if guards is not None:
        values |= guards.values()
    by_policy = ORDERS[audience.sender_policy]
    is_nearest = audience.sender_policy == "nearest"
    columns = {"rank": "sender.rank", "free": "sender.free", "closeness": _CLOSENESS if is_nearest else "0"}
    # A column more in the sort of a million people is felt.
    compared = "".join(f", {sql} AS {name}" for name, sql in columns.items() if compares_all or name in by_policy)
    held = (
        "get_byte(decode(md5(%(holdout_salt)s || customer_id::text), 'hex'), 0) * 256"
        " + get_byte(decode(md5(%(holdout_salt)s || customer_id::text), 'hex'), 1) < %(holdout_ratio)s * 65536"
        if audience.holdout_ratio > 0
        else "false"
    )
    capped = (
        "EXISTS (SELECT 1 FROM delivery WHERE delivery.brand_id = %(brand_id)s"
        " AND delivery.customer_id = best.customer_id AND delivery.run_id = ANY(%(cap_run_ids)s)"
        " AND delivery.batch_no IS NOT NULL)"
        if audience.cap_run_ids
        else "false"
    )
    # Who is written to by several accounts gets one copy all the same.
    turn = "dense_rank" if audience.is_several else "row_number"
    over = (
        f"CASE WHEN reason IS NULL AND {turn}() OVER (PARTITION BY reason ORDER BY customer_id) > %(most)s"
        " THEN 'cap' ELSE reason END"
        if audience.most is not None
        else "reason"
    )
    query = f"""
        WITH people AS ({people}),
        sender AS (
            SELECT account_no, array_agg(store_no) AS store_nos, min(nullif(store_no, 0)) AS first_store_no,
                   min(rank) AS rank, min(free) AS free {_PLACES if is_nearest else ""}
            FROM unnest(%(senders)s::int[], %(sender_stores)s::int[], %(ranks)s::int[], %(frees)s::bigint[])
                 AS given (account_no, store_no, rank, free)
            {_JOIN_PLACES if is_nearest else ""}
            GROUP BY 1
        ),
        closed AS (
            SELECT account_no, array_agg(store_no) AS store_nos
            FROM unnest(%(closed_senders)s::int[], %(closed_stores)s::int[]) AS given (account_no, store_no) GROUP BY 1
        ),
        quota AS (SELECT * FROM unnest(%(quota_accounts)s::int[], %(quotas)s::int[]) AS given (account_no, available)),
        tie AS (
            SELECT people.customer_id, people.capped, friend.account_no, friend.followed_at, identity.line_user_id,
                   coalesce(people.home_store_no = ANY(sender.store_nos), false) AS is_home,
                   CASE WHEN people.home_store_no = ANY(sender.store_nos) THEN people.home_store_no
                        WHEN recent.store_no IS NOT NULL THEN recent.store_no
                        ELSE sender.first_store_no END AS store_no,
                   recent.last_at {compared}
            FROM people
            {"JOIN" if audience.only_tied else "LEFT JOIN"} (
                friend JOIN sender ON sender.account_no = friend.account_no
                JOIN identity ON identity.brand_id = friend.brand_id AND identity.id = friend.identity_id
                LEFT JOIN closed ON closed.account_no = friend.account_no
            ) ON friend.brand_id = %(brand_id)s AND friend.customer_id = people.customer_id
                AND friend.status = 'following' AND friend.account_no = ANY(%(account_nos)s::int[])
                AND (closed.store_nos IS NULL OR people.home_store_no IS NULL
                     OR NOT people.home_store_no = ANY(closed.store_nos))
            LEFT JOIN LATERAL (
                SELECT store_no, greatest(last_order_at, last_visit_at) AS last_at FROM customer_store
                WHERE people.has_choice AND customer_store.brand_id = %(brand_id)s
                  AND customer_store.customer_id = people.customer_id
                  AND customer_store.store_no = ANY(sender.store_nos)
                  AND greatest(last_order_at, last_visit_at) IS NOT NULL
                ORDER BY last_at DESC LIMIT 1
            ) AS recent ON true
        ),
        best AS ({all_accounts.choose(by_policy) if audience.is_several else _CHOOSE_ONE.format(by_policy)}),
        judged AS (
            SELECT customer_id, account_no, store_no, line_user_id, {"place," if audience.is_several else ""}
                   CASE WHEN account_no IS NULL THEN 'no_friend'
                        WHEN {guards.refuses("customer_id") if guards else "false"} THEN 'consent'
                        WHEN capped OR {capped} OR {guards.is_full_up("customer_id") if guards else "false"} THEN 'cap'
                        WHEN {guards.is_quiet_for("store_no") if guards else "false"} THEN 'quiet_hours'
                        WHEN {held} THEN 'holdout' END AS reason
            FROM best
        ),
        limited AS (
            SELECT customer_id, account_no, store_no, line_user_id, {over} AS reason
            FROM {all_accounts.keep_room(guards) if audience.is_several else "judged"}
        ),
        turned AS (
            SELECT limited.*, row_number() OVER (
                       PARTITION BY limited.account_no, reason ORDER BY {trimming.ORDERS[audience.trim_by]}) AS turn
            FROM limited {trimming.JOINS if audience.trim_by != trimming.DEFAULT else ""}
        ),
        kept AS (
            SELECT customer_id, turned.account_no, store_no, line_user_id, turn, available,
                   CASE WHEN reason IS NULL AND turn > available THEN 'quota' ELSE reason END AS reason
            FROM turned LEFT JOIN quota ON quota.account_no = turned.account_no
        ),
        {_number(audience.cuts)}"""
    for cut in audience.cuts:
        values |= cut.values
    return query, values


_CHOOSE_ONE: Final = """
SELECT DISTINCT ON (customer_id) customer_id, capped, account_no, store_no, line_user_id
FROM tie ORDER BY customer_id, {}
"""


def _number(cuts: Sequence[Cut]) -> str:
    """The expression `numbered`: everybody's batch, and where there are cuts the numbers of her parts."""
    if not cuts:
        return f"""numbered AS (
            SELECT customer_id, account_no, store_no, line_user_id, reason, NULL::int[] AS parts,
                   CASE WHEN reason IS NULL
                        THEN account_no * {BATCHES_PER_ACCOUNT} + ((turn - 1) / {BATCH_SIZE})::int END AS batch_no
            FROM kept
        )"""
    return f"""parted AS (
            SELECT kept.*, CASE WHEN reason IS NULL THEN ARRAY[{", ".join(cut.sql for cut in cuts)}]::int[] END AS parts
            FROM kept {" ".join(cut.join for cut in cuts)}
        ),
        placed AS (
            SELECT parted.*, row_number() OVER (PARTITION BY account_no, reason, parts ORDER BY customer_id) AS place
            FROM parted
        ),
        numbered AS (
            SELECT customer_id, account_no, store_no, line_user_id, reason, parts,
                   CASE WHEN reason IS NULL THEN account_no * {BATCHES_PER_ACCOUNT} + (dense_rank() OVER (
                       PARTITION BY account_no, reason ORDER BY parts, (place - 1) / {BATCH_SIZE}))::int - 1
                   END AS batch_no
            FROM placed
        )"""


_PLACES = ", array_agg(store.municipality_code) AS municipalities"
_JOIN_PLACES = "LEFT JOIN store ON store.brand_id = %(brand_id)s AND store.no = given.store_no"
# In her municipality, in her prefecture, or elsewhere: codes begin with that of the prefecture.
_CLOSENESS = """
(CASE WHEN people.municipality_code = ANY(sender.municipalities) THEN 2
      WHEN EXISTS (SELECT FROM unnest(sender.municipalities) AS code
                   WHERE left(code, 2) = left(people.municipality_code, 2)) THEN 1 ELSE 0 END)
"""


def _people(session: ScopedSession, audience: Audience) -> tuple[str, dict[str, Any]]:
    """The audience's own SELECT as driver SQL: the rule's condition is compiled, its values stay bound."""
    brand_id, owner = session.scope.brand_id, audience.owner_no
    has_choice = or_(func.cardinality(Customer.account_nos) > 1, func.cardinality(Customer.store_nos) > 1)
    chosen: Any = select(
        col(Customer.id).label("customer_id"),
        home_column(Scope(brand_id) if owner is None else Scope(brand_id, frozenset({owner}))).label("home_store_no"),
        has_choice.label("has_choice"),
        (audience.capped if audience.capped is not None else false()).label("capped"),
        *([col(Customer.municipality_code)] if audience.sender_policy == "nearest" else []),
        *([] if (precedence := trimming.precede(audience.trim_by, owner)) is None else [precedence]),
    ).where(col(Customer.brand_id) == brand_id, is_present(), audience.where)
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    compiled = chosen.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return compiled.string, dict(compiled.params)


def read_tally(session: ScopedSession, query: str, values: dict[str, Any]) -> Tally:
    """The tally of a statement that answers with account, batch, store, reason, parts and how many."""
    tally = Tally()
    for account_no, batch_no, store_no, reason, parts, count in ask_of_many(session, query, values):
        if reason is not None:
            tally.left_out[reason] = tally.left_out.get(reason, 0) + count
            continue
        tally.chosen += count
        tally.chosen_by_account[account_no] = tally.chosen_by_account.get(account_no, 0) + count
        stores = tally.batches.setdefault(batch_no, {})
        stores["" if store_no is None else str(store_no)] = count
        if parts is not None:
            tally.parts[batch_no] = parts
    return tally


def ask_of_many(session: ScopedSession, query: str, values: dict[str, Any]) -> Sequence[Any]:
    """What a statement of driver SQL over a whole audience answers, planned and timed for a million people."""
    connection = session.connection()
    # After a large import the planner's statistics still say that the tables are small, and a nested loop over 20,000
    # people takes a minute; hash joins are right for every size.
    connection.exec_driver_sql("SET LOCAL work_mem = '128MB'; SET LOCAL enable_nestloop = off; SET LOCAL jit = off")
    # A million people take longer than a request's statement may.
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
    rows = connection.exec_driver_sql(query, values).all()
    connection.exec_driver_sql("RESET work_mem; RESET enable_nestloop; RESET jit; RESET statement_timeout")
    return rows


def _insert_batches(session: ScopedSession, run_id: UUID, tally: Tally, audience: Audience) -> None:
    numbers = sorted(tally.batches)
    if not numbers:
        return
    account_ids = {sender.account_no: sender.line_account_id for sender in audience.senders}
    placements = [place(audience.cuts, tally.parts.get(number, ())) for number in numbers]
    session.connection().exec_driver_sql(
        """
        INSERT INTO batch (brand_id, run_id, batch_no, line_account_id, account_no, size, stores, retry_key, variant,
                           not_before, state, attempts)
        SELECT %(brand_id)s, %(run_id)s, batch_no, line_account_id, account_no, size, stores::jsonb, retry_key, variant,
               not_before, 'waiting', 0
        FROM unnest(%(numbers)s::int[], %(accounts)s::uuid[], %(account_nos)s::int[], %(sizes)s::int[],
                    %(stores)s::text[], %(keys)s::uuid[], %(variants)s::smallint[], %(moments)s::timestamptz[])
             AS given (batch_no, line_account_id, account_no, size, stores, retry_key, variant, not_before)
        """,
        {
            "brand_id": session.scope.brand_id,
            "run_id": run_id,
            "numbers": numbers,
            "accounts": [account_ids[number // BATCHES_PER_ACCOUNT] for number in numbers],
            "account_nos": [number // BATCHES_PER_ACCOUNT for number in numbers],
            "sizes": [sum(tally.batches[number].values()) for number in numbers],
            "stores": [orjson.dumps(tally.batches[number]).decode() for number in numbers],
            "keys": [uuid4() for _ in numbers],
            "variants": [one.variant for one in placements],
            "moments": [one.not_before for one in placements],
        },
    )


def place(cuts: Sequence[Cut], parts: Sequence[int]) -> Placement:
    """What the cuts say of a batch together."""
    said = [cut.place(part) for cut, part in zip(cuts, parts, strict=bool(parts))]
    variant = next((one.variant for one in said if one.variant is not None), None)
    return Placement(variant, max((one.not_before for one in said if one.not_before is not None), default=None))
