"""One call of a webhook: what goes over the wire, and how it ended in the words of LINE's webhook test."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import aiohttp

_USER_AGENT = "LineBotWebhook/2.0"
_CONNECT_SHARE = 0.9
"""Of the time for the whole call: a little less, so that a connection that is not made can be told from an answer
that does not come."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one call of a webhook ended. `status` is 0 if there was no answer."""

    success: bool
    status: int
    reason: str
    detail: str


def sign(channel_secret: str, body: bytes) -> str:
    """The value of `x-line-signature`."""
    return base64.b64encode(hmac.new(channel_secret.encode(), body, hashlib.sha256).digest()).decode()


async def post(
    session: "aiohttp.ClientSession",
    url: str,
    *,
    destination: str,
    events: list[dict[str, Any]],
    secret: str,
    header: str,
    seconds: float,
) -> Attempt:
    """POST these events, signed over the very bytes that are sent."""
    import aiohttp

    body = orjson.dumps({"destination": destination, "events": events})
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": _USER_AGENT,
        header: sign(secret, body),
    }
    timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=seconds * _CONNECT_SHARE)
    try:
        async with session.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as response:
            success = 200 <= response.status < 300
            reason = "OK" if success else "ERROR_STATUS_CODE"
            return Attempt(success, response.status, reason, str(response.status))
    except aiohttp.ConnectionTimeoutError:
        return Attempt(False, 0, "COULD_NOT_CONNECT", "Connection timeout")
    except TimeoutError:
        return Attempt(False, 0, "REQUEST_TIMEOUT", "Request timeout")
    except aiohttp.ClientConnectorDNSError:
        return Attempt(False, 0, "COULD_NOT_CONNECT", "Unknown host")
    except (aiohttp.ClientConnectorSSLError, aiohttp.ClientConnectorCertificateError) as failure:
        return Attempt(False, 0, "COULD_NOT_CONNECT", f"TLS handshake failure: {failure}")
    except aiohttp.ClientConnectorError as failure:
        return Attempt(False, 0, "COULD_NOT_CONNECT", f"Connection failed: {failure}")
    except (aiohttp.ClientError, ValueError) as failure:
        return Attempt(False, 0, "UNCLASSIFIED", str(failure) or type(failure).__name__)
