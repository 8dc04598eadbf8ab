"""The secrets of head office's clients."""

from datetime import timedelta

from tenants.clients import service
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make

OLD, NEW, NEWEST = b"o" * 32, b"n" * 32, b"m" * 32
HOUR = timedelta(hours=1)


def test_the_secret_before_is_known_until_its_overlap_ends(session: ScopedSession) -> None:
    client, _ = make.api_client(session)
    now = utc_now()
    service.rotate_secret(client, digest=OLD, overlap=timedelta(), now=now)
    service.rotate_secret(client, digest=NEW, overlap=HOUR, now=now)
    assert service.knows_secret(client, NEW, now + 2 * HOUR)
    assert service.knows_secret(client, OLD, now + HOUR - timedelta(seconds=1))
    assert not service.knows_secret(client, OLD, now + HOUR)
    assert not service.knows_secret(client, b"x" * 32, now)


def test_a_second_rotation_ends_the_one_before_the_last(session: ScopedSession) -> None:
    client, _ = make.api_client(session)
    now = utc_now()
    for digest in (OLD, NEW, NEWEST):
        service.rotate_secret(client, digest=digest, overlap=HOUR, now=now)
    known = [service.knows_secret(client, digest, now) for digest in (OLD, NEW, NEWEST)]
    assert known == [False, True, True]
