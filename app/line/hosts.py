"""Where LINE is, for one account: production or the installation's look-alike, by settings and never by a caller."""

from dataclasses import dataclass

from app.line.errors import LineError
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class LineHosts:
    """The addresses of LINE's services, without a slash at the end."""

    api_url: str
    data_url: str
    """Pictures and other content."""
    login_url: str
    """Where people sign in and agree."""
    app_url: str = "https://line.me"
    """Where links lead that LINE's app opens."""


class NoTestHost(LineError):
    """An account is in test mode and this installation names no test host."""


def line_hosts(settings: Settings, mode: str = "live") -> LineHosts:
    """The hosts for accounts of a mode, `live` or `test`. Raises NoTestHost."""
    if mode == "test":
        if settings.line_test_url is None:
            raise NoTestHost
        test_url = settings.line_test_url.rstrip("/")
        return LineHosts(test_url, test_url, test_url, test_url)
    return LineHosts(
        settings.line_api_url.rstrip("/"),
        settings.line_data_url.rstrip("/"),
        settings.line_login_url.rstrip("/"),
        settings.line_app_url.rstrip("/"),
    )
