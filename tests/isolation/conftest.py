"""The worker process's database, as a role that may see and change everything in it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, make_url

from app.database import Urls, make_engine


@pytest.fixture
def admin(urls: Urls) -> Iterator[Connection]:
    """A superuser's transaction, rolled back at the end of the test."""
    assert urls.admin is not None
    url = make_url(urls.admin).set(database=make_url(urls.app).database)
    engine = make_engine(url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        yield connection
        connection.rollback()
