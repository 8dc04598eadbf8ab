"""LINE's SDK, unmodified, with the sandbox for LINE: its addresses are set where it lets one, else rewritten."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

# The SDK's types are half there; it is taken as it comes.
messaging: Any = importlib.import_module("linebot.v3.messaging")
insight: Any = importlib.import_module("linebot.v3.insight")
oauth: Any = importlib.import_module("linebot.v3.oauth")

_DATA_HOST = "https://api-data.line.me"


@contextmanager
def opened(module: Any, api_class: str, sandbox: httpx.Client, token: str | None = None) -> Iterator[Any]:
    """One of the SDK's API classes, talking to the sandbox.

    The blob classes name LINE's data host inside their methods, where nothing reaches it, so what they send is turned
    round below them, in the transport.
    """
    base = str(sandbox.base_url).rstrip("/")
    configuration = module.Configuration(access_token=token) if token else module.Configuration()
    with module.ApiClient(configuration) as client:
        rest = client.rest_client
        transport = rest.request

        def to_the_sandbox(method: str, url: str, *arguments: Any, **options: Any) -> Any:
            return transport(method, url.replace(_DATA_HOST, base), *arguments, **options)

        rest.request = to_the_sandbox
        api = getattr(module, api_class)(client)
        api.line_base_path = base
        try:
            yield api
        finally:
            rest.pool_manager.clear()
