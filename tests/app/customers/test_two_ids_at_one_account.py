"""A person who was joined may be known to one account by two LINE ids."""

from datetime import timedelta

from app.customers.identity import Place, Sign, follow, unfollow
from tenants.session import ScopedSession
from tests import make
from tests.app.customers.joining.people import NOON, join


def test_the_account_reaches_her_until_she_has_blocked_it_with_both(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    hanako = make.customer(session)
    first = make.friend(session, account, hanako, line_user_id=(old := make.line_user_id()), changed_at=NOON)
    second = make.friend(session, account, line_user_id=(new := make.line_user_id()), changed_at=NOON)
    twin = second.customer_id
    session.flush()
    join(session, session.get_one(type(hanako), (session.scope.brand_id, twin)), hanako)
    place = Place(account, (), may_join=True)
    unfollow(session, place, Sign(old, "e1", NOON + timedelta(hours=1)))
    session.refresh(hanako)
    assert hanako.account_nos == [account.no]
    unfollow(session, place, Sign(new, "e2", NOON + timedelta(hours=2)))
    session.refresh(hanako)
    assert hanako.account_nos == []
    follow(session, place, Sign(old, "e3", NOON + timedelta(hours=3)), is_unblocked=True)
    session.refresh(hanako)
    assert hanako.account_nos == [account.no]
    assert first.identity_id != second.identity_id
