"""Channel access tokens: stateless ones, minted from channel id and secret and kept for ten minutes of their fifteen.

Nothing long-lived is stored, so there is nothing to rotate.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

from app.line.errors import LineError, LineGarbled, LineInvalid, LineUnauthorized, LineUnavailable
from app.line.transport import Call, ask

KEPT_SECONDS: Final = 600.0
_ENDPOINT: Final = "POST /oauth2/v3/token"
_MOST_KEPT: Final = 50_000


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    good_until: float


_kept: dict[bytes, _Kept] = {}
_minting: dict[bytes, Future[str]] = {}
"""Mints on their way, for whoever comes meanwhile."""
_lock = Lock()


class ChannelTokens:
    """Tokens of any channel at one of LINE's hosts. What one of these objects minted, all others of the process use."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url

    def find(self, channel_id: str, secret: str) -> str | None:
        """The token that is kept for this channel, without asking LINE."""
        kept = _kept.get(self._key(channel_id, secret))
        return kept.token if kept is not None and time.monotonic() < kept.good_until else None

    def get(self, channel_id: str, secret: str, *, refused: str | None = None) -> str:
        """A token of this channel: the one that is kept, unless LINE `refused` it, or a new one.

        However many threads ask at once, LINE is asked once. Blocks for as long as `ask`. Raises LineUnauthorized when
        id and secret do not fit, LineRateLimited, LineUnavailable; a failure is not kept.
        """
        token = self.find(channel_id, secret)
        return token if token is not None and token != refused else self.mint(channel_id, secret, refused=refused)

    def mint(self, channel_id: str, secret: str, *, refused: str | None = None) -> str:
        """A new token, whatever is kept, or the one that another thread is minting just now. Raises like `get`."""
        key = self._key(channel_id, secret)
        with _lock:
            # One who was slow to learn of a refusal finds what others have minted since.
            if refused is not None and (token := self.find(channel_id, secret)) not in (None, refused):
                return str(token)
            minting = _minting.get(key)
            is_first = minting is None
            if minting is None:
                minting = _minting[key] = Future()
        if is_first:
            self._mint(key, minting, channel_id, secret)
        return minting.result()

    def _mint(self, key: bytes, minting: "Future[str]", channel_id: str, secret: str) -> None:
        """Mint, and tell those who wait for it, whatever happens."""
        failure: LineError = LineUnavailable("token: minting broke off")
        kept = None
        try:
            kept = _mint(self._api_url, channel_id, secret)
        except LineError as error:
            failure = error
            raise
        finally:
            with _lock:
                if len(_kept) >= _MOST_KEPT:
                    _kept.clear()
                if kept is not None:
                    _kept[key] = kept
                del _minting[key]
            if kept is not None:
                minting.set_result(kept.token)
            else:
                minting.set_exception(failure)

    def _key(self, channel_id: str, secret: str) -> bytes:
        # A reissued secret is another key, so that tokens from before it are not used.
        return sha256(f"{self._api_url}\0{channel_id}\0{secret}".encode()).digest()


def _mint(api_url: str, channel_id: str, secret: str) -> _Kept:
    form = {"grant_type": "client_credentials", "client_id": channel_id, "client_secret": secret}
    call = Call(
        endpoint=_ENDPOINT,
        host=api_url,
        path="/oauth2/v3/token",
        channel_id=channel_id,
        body=urlencode(form).encode(),
        media_type="application/x-www-form-urlencoded",
        names_itself=False,  # an OAuth endpoint
    )
    asked_at = time.monotonic()
    try:
        answer = ask(call).body
    except LineInvalid as refused:
        # To the OAuth endpoint a wrong secret is a wrong request.
        raise LineUnauthorized(refused.status, refused.message, request_id=refused.request_id) from refused
    return _Kept(_read_token(answer), asked_at + _kept_seconds(answer))


def _read_token(answer: Mapping[str, Any]) -> str:
    token = answer.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise LineGarbled("token: the answer holds none")
    return token


def _kept_seconds(answer: Mapping[str, Any]) -> float:
    """Two thirds of the token's life, which LINE says is a quarter of an hour."""
    life = answer.get("expires_in")
    is_told = isinstance(life, int) and not isinstance(life, bool) and life > 0
    return min(KEPT_SECONDS, life * 2 / 3) if is_told and life is not None else KEPT_SECONDS
