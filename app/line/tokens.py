"""Channel access tokens: stateless ones, minted from channel id and secret and kept for ten minutes of their fifteen.

Nothing long-lived is stored, so there is nothing to rotate.
"""

import ssl
import time
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import Any

import orjson

from app.line.errors import LineUnavailable, read_error
from app.settings import Settings

KEPT_SECONDS = 600
TIMEOUT_SECONDS = 5.0
_MOST_KEPT = 10_000

_kept: dict[bytes, tuple[str, float]] = {}
_lock = Lock()


class ChannelTokens:
    """Tokens of any channel of one installation. What one of these objects minted, all others of the process use."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.line_api_url.rstrip("/") + "/oauth2/v3/token"

    def get(self, channel_id: str, secret: str, *, renew: bool = False) -> str:
        """A token of this channel, minted where none is kept, or in any case to `renew` one that LINE refused.

        Blocks for up to five seconds. Raises LineRefused when id and secret do not fit, LineUnavailable.
        """
        # A reissued secret is another key, so that tokens from before it are not used.
        key = sha256(f"{self._url}\0{channel_id}\0{secret}".encode()).digest()
        token, good_until = _kept.get(key, ("", 0.0))
        if not renew and time.monotonic() < good_until:
            return token
        token = self._mint(channel_id, secret)
        with _lock:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[key] = (token, time.monotonic() + KEPT_SECONDS)
        return token

    def _mint(self, channel_id: str, secret: str) -> str:
        import httpx

        form = {"grant_type": "client_credentials", "client_id": channel_id, "client_secret": secret}
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, verify=_trusted()) as http:
                answer = http.post(self._url, data=form)
        except httpx.HTTPError as error:
            raise LineUnavailable(f"token: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise read_error(answer.status_code, answer.content)
        return _read_token(answer.content)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates we trust, read once: reading them took three times as long as minting a token."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _read_token(body: bytes) -> str:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise LineUnavailable("token: the answer is not JSON") from error
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise LineUnavailable("token: the answer holds none")
    return token
