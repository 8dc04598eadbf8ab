"""The stage of LINE Login."""

import httpx
import pytest

from tests.app.sandbox.login.stage import Attempt, LoginStage
from tests.app.sandbox.process import Shop


@pytest.fixture
def login(sandbox: httpx.Client, request: pytest.FixtureRequest) -> LoginStage:
    """Its account's webhook goes to `shop` where a test asks for one, which takes a moment to end."""
    shop: Shop | None = request.getfixturevalue("shop") if "shop" in request.fixturenames else None
    return LoginStage.build(sandbox, shop.url if shop else None)


@pytest.fixture
def attempt(login: LoginStage) -> Attempt:
    return Attempt(login)
