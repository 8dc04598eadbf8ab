"""Where a request comes from."""

from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from app.addresses import client_address
from app.settings import Settings

TRUSTING = Settings(trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


def scope(client: str | None, *forwarded: str) -> dict[str, Any]:
    """A request over a socket from here, with these headers."""
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    return {"client": (client, 1234) if client else None, "headers": headers}


def test_without_trusted_proxies_the_socket_counts_whatever_is_claimed() -> None:
    assert client_address(scope("203.0.113.9", "198.51.100.1"), Settings()) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        (["198.51.100.1:5005"], "198.51.100.1"),
        (["[2001:db8::7]:443"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        (["6.6.6.6, nonsense, 10.2.2.2"], "10.2.2.2"),
        ([""], "10.0.0.1"),
        (["\xff\xfe"], "10.0.0.1"),
        ([], "10.0.0.1"),
        ([",".join(["10.0.0.2"] * 50)], "10.0.0.2"),
    ],
)
def test_behind_trusted_proxies_the_last_untrusted_hop_counts(forwarded: list[str], address: str) -> None:
    assert client_address(scope("10.0.0.1", *forwarded), TRUSTING) == address


def test_what_is_no_address_is_named_as_it_is() -> None:
    assert client_address(scope("testclient", "6.6.6.6"), TRUSTING) == "testclient"
    assert client_address(scope(None, "6.6.6.6"), TRUSTING) is None


def test_networks_come_from_the_environment_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOREN_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,")
    assert Settings().trusted_proxies == TRUSTING.trusted_proxies
    monkeypatch.setenv("NOREN_TRUSTED_PROXIES", "10.0.0.1/8")
    with pytest.raises(ValidationError):
        Settings()
