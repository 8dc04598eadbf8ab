"""Where all accounts speak: a person stands in the choice once for each account that reaches her.

All of it is driver SQL inside the statement of `freeze.write_choice`.
"""

from typing import Final

from app.messaging.guards import Guards

_HERS: Final = "'consent', 'holdout'"
"""Reasons that are the person's, whatever the account: she is left out once."""


def choose(by_policy: str, more: str) -> str:
    """The expression `best`: each account that reaches a person, and its `place`, 1 of the one that speaks first."""
    return f"""
        SELECT {more} customer_id, capped, account_no, store_no, line_user_id,
               row_number() OVER (PARTITION BY customer_id ORDER BY {by_policy}) AS place
        FROM (SELECT DISTINCT ON (customer_id, account_no) * FROM tie
              ORDER BY customer_id, account_no, {by_policy}) AS of_account
        """


def keep_room(guards: Guards | None) -> str:
    """What `limited` reads: the judged rows, of which no person has more than the caps leave her."""
    rows = f"(SELECT * FROM judged WHERE place = 1 OR reason IS NULL OR reason NOT IN ({_HERS})) AS judged"
    if guards is None or not guards.caps:
        return rows
    return f"""(
        SELECT judged.customer_id, account_no, store_no, line_user_id,
               CASE WHEN reason IS NULL AND row_number() OVER (
                        PARTITION BY judged.customer_id, reason ORDER BY place) > coalesce(room, %(most_room)s)
                    THEN 'cap' ELSE reason END AS reason
        FROM {rows} LEFT JOIN ({guards.room()}) AS heard ON heard.customer_id = judged.customer_id
    ) AS roomy"""
