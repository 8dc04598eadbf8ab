"""The choice: who gets a message from which account, and who does not and why, as one SELECT for all of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import false, func, or_, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlmodel import col

from app.customers.models import Customer
from app.customers.queries import is_present
from app.customers.summary import home_column
from app.messaging import all_accounts, trimming
from app.messaging.audience import Audience, Cut
from app.messaging.policies import ORDERS
from tenants.scope import Scope
from tenants.session import ScopedSession

BATCH_SIZE = 500
"""LINE takes at most 500 people in one multicast."""
BATCHES_PER_ACCOUNT = 100_000


def write_choice(
    session: ScopedSession, audience: Audience, *, compares_all: bool = False
) -> tuple[str, dict[str, Any]]:
    """The common table expressions that end in `numbered`, and their values: one row for each person.

    `tie` holds what the audience's policy compares; with `compares_all` what any policy does.
    Reasons are judged in this order: no_friend, stopped, consent, cap, quiet_hours, holdout, then cap by `most`, then
    quota. Whom a safety stop leaves out is in nobody's hold-out, or the two would not be alike.
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
        "several_stores": [s.account_no for s in audience.senders if len(s.store_nos) + len(s.other_store_nos) != 1],
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
        " AND delivery.batch_no IS NOT NULL AND NOT EXISTS (SELECT FROM batch WHERE batch.brand_id = %(brand_id)s"
        " AND batch.run_id = delivery.run_id AND batch.batch_no = delivery.batch_no AND batch.state = 'stopped'))"
        if audience.cap_run_ids
        else "false"
    )
    stopped, home = "false", ""
    if guards is not None and guards.stopped_store_nos:
        # Where she is at home is not held against a store's own run, whose numbers would tell it.
        stopped = guards.is_stopped_for("store_no", "home_no", "account_no")
        home = "home_no,"
    at_home = "people.home_store_no" if audience.owner_no is None else "NULL::int"
    # Who is written to by several accounts gets one copy all the same.
    turn = "dense_rank" if audience.is_several else "row_number"
    source, rooms, no_room = all_accounts.keep_room(guards) if audience.is_several else "judged", "", ""
    if audience.rooms is not None:
        rooms, of_rooms = audience.rooms.write(source)
        source, no_room, values = "roomed", ", no_room", values | of_rooms
    over = (
        f"reason IS NULL AND {turn}() OVER (PARTITION BY reason{no_room} ORDER BY customer_id) > %(most)s"
        if audience.most is not None
        else "false"
    )
    over = f"({over} OR no_room)" if no_room else over
    beyond = "is_beyond," if audience.falls_back else ""
    limited = f"reason, {over} AS is_beyond" if beyond else f"CASE WHEN {over} THEN 'cap' ELSE reason END AS reason"
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
                   {at_home + " AS home_no," if home else ""}
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
        best AS ({(all_accounts.choose if audience.is_several else _choose_one)(by_policy, home)}),
        judged AS (
            SELECT customer_id, account_no, store_no, line_user_id, {"place," if audience.is_several else ""}
                   CASE WHEN account_no IS NULL THEN 'no_friend'
                        WHEN {stopped} THEN 'stopped'
                        WHEN {guards.refuses("customer_id", "store_no") if guards else "false"} THEN 'consent'
                        WHEN capped OR {capped} OR {guards.is_full_up("customer_id") if guards else "false"} THEN 'cap'
                        WHEN {guards.is_quiet_for("customer_id", "store_no") if guards else "false"} THEN 'quiet_hours'
                        WHEN {held} THEN 'holdout' END AS reason
            FROM best
        ),
        {rooms}
        limited AS (
            SELECT customer_id, account_no, store_no, line_user_id, {limited}
            FROM {source}
        ),
        turned AS (
            SELECT limited.*, row_number() OVER (
                       PARTITION BY limited.account_no, reason
                       ORDER BY {beyond} {trimming.ORDERS[audience.trim_by]}) AS turn
            FROM limited {trimming.JOINS if audience.trim_by != trimming.DEFAULT else ""}
        ),
        kept AS (
            SELECT customer_id, turned.account_no, store_no, line_user_id, {beyond} turn, available,
                   CASE WHEN reason IS NULL AND turn > available THEN 'quota' ELSE reason END AS reason
            FROM turned LEFT JOIN quota ON quota.account_no = turned.account_no
        ),
        {_number(audience.cuts)}"""
    for cut in audience.cuts:
        values |= cut.values
    return query, values


def _choose_one(by_policy: str, more: str) -> str:
    """The expression `best`: the account that speaks to a person."""
    return f"""
        SELECT DISTINCT ON (customer_id) {more} customer_id, capped, account_no, store_no, line_user_id
        FROM tie ORDER BY customer_id, {by_policy}
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
