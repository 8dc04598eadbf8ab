"""The stage of LINE Login."""

import httpx
import pytest

from tests.app.sandbox.login.stage import Attempt, LoginStage
from tests.app.sandbox.process import Shop


@pytest.fixture
def login(sandbox: httpx.Client, shop: Shop) -> LoginStage:
    return LoginStage.build(sandbox, shop)


@pytest.fixture
def attempt(login: LoginStage) -> Attempt:
    return Attempt(login)
