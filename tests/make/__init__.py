"""make.thing(session, **changes): rows for tests, with whatever the test does not care about filled in."""

from tests.make.events import event
from tests.make.tenants import access_token, area, line_account, new_brand, store, store_key

__all__ = ["access_token", "area", "event", "line_account", "new_brand", "store", "store_key"]
