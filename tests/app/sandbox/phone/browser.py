"""A browser to look at pages with: headless Chromium, spoken to by its DevTools protocol. Nothing leaves the machine.

Tests that need it are skipped where there is none; `NOREN_CHROMIUM` names one that is not on the path.
"""

import asyncio
import base64
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import httpx
import orjson

from tests.app.sandbox.process import PLAIN

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
    *("--hide-scrollbars", "--force-color-profile=srgb", "--lang=ja", "--remote-debugging-port=0"),
)
_START_SECONDS = 20.0
_ANSWER_SECONDS = 15.0
Found = TypeVar("Found")


def find_chromium() -> str | None:
    """The path of a Chromium."""
    named = os.environ.get("NOREN_CHROMIUM")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of the browser. Its calls wait for their answers; a script's result is what it returns, as JSON.

    Images and media of hosts that end in `.test` are answered by `images`, everything else elsewhere is refused and
    remembered in `outside`.
    """

    def __init__(self, run: Callable[[Coroutine[Any, Any, Any]], Any], socket: aiohttp.ClientWebSocketResponse) -> None:
        self._run, self._socket = run, socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.images: dict[str, tuple[str, bytes]] = {}
        """By address: content type and bytes."""
        self.outside: list[str] = []
        """Addresses that the page asked for elsewhere, and no test had an answer for."""
        self.mistakes: list[str] = []
        """What the page's scripts threw, and what its policy refused."""
        self.home = ""
        self.neighbours: tuple[str, ...] = ()
        """Further sites on this machine to which its pages may lead."""

    async def listen(self) -> None:
        async for message in self._socket:
            value = orjson.loads(message.data)
            if "id" in value:
                waiting = self._waiting.pop(value["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(value)
            else:
                await self._hear(value["method"], value["params"])

    async def _hear(self, method: str, params: dict[str, Any]) -> None:
        if method == "Fetch.requestPaused":
            await self._answer(params["requestId"], params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.mistakes.append(str(params["exceptionDetails"].get("exception", params["exceptionDetails"])))
        elif method == "Log.entryAdded" and "Content Security Policy" in params["entry"]["text"]:
            self.mistakes.append(params["entry"]["text"])

    async def _answer(self, request_id: str, url: str) -> None:
        if url.startswith((self.home, *self.neighbours, "data:", "blob:")):
            await self._tell("Fetch.continueRequest", requestId=request_id)
        elif url in self.images:
            content_type, body = self.images[url]
            await self._tell(
                "Fetch.fulfillRequest",
                requestId=request_id,
                responseCode=200,
                responseHeaders=[{"name": "Content-Type", "value": content_type}],
                body=base64.b64encode(body).decode(),
            )
        else:
            self.outside.append(url)
            await self._tell("Fetch.failRequest", requestId=request_id, errorReason="Failed")

    async def _tell(self, method: str, **params: Any) -> None:
        """A call whose answer nobody waits for."""
        call = {"id": next(self._numbers), "method": method, "params": params}
        await self._socket.send_str(orjson.dumps(call).decode())

    async def _ask(self, method: str, params: dict[str, Any]) -> Any:
        waiting = asyncio.get_running_loop().create_future()
        number = next(self._numbers)
        self._waiting[number] = waiting
        await self._socket.send_str(orjson.dumps({"id": number, "method": method, "params": params}).decode())
        answer = await asyncio.wait_for(waiting, _ANSWER_SECONDS)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def call(self, method: str, **params: Any) -> Any:
        """A call of the DevTools protocol."""
        return self._run(self._ask(method, params))

    def run(self, script: str) -> Any:
        """The value of an expression on the page."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 60.0) -> Any:
        """The first true value of an expression; true for an element."""
        deadline = time.monotonic() + seconds
        while not (found := self.run(f"((value) => value instanceof Node ? true : value)({script})")):
            assert time.monotonic() < deadline, f"never: {script}\n{self.run('document.body.innerText')}"
            time.sleep(0.04)
        return found

    def open(self, url: str, *, width: int = 390, height: int = 844) -> None:
        """Show a page of the sandbox in a window of this size."""
        self.visit(url, width=width, height=height)
        self.wait_for("document.readyState === 'complete' && Boolean(document.documentElement.style.length)")

    def visit(self, url: str, *, width: int = 390, height: int = 844) -> None:
        """Show any page in a window of this size."""
        self.home = "/".join(url.split("/")[:3])
        self.outside.clear()
        self.mistakes.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)
        self.wait_for(f"location.href === {orjson.dumps(url).decode()} && document.readyState === 'complete'")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key: Tab, Enter, Escape, Space."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        keys = {"key": key, "windowsVirtualKeyCode": codes[key], "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **keys)
        self.call("Input.dispatchKeyEvent", type="keyUp", **keys)

    def type(self, text: str) -> None:
        """Type into what has the focus, as an input method does."""
        self.call("Input.insertText", text=text)

    def click(self, script: str) -> None:
        """Click with the mouse in the middle of the element that an expression finds."""
        self.wait_for(f"Boolean({script})")
        x, y = self.run(
            f"(() => {{ const node = {script}; node.scrollIntoView({{block: 'nearest', inline: 'nearest'}});"
            " const box = node.getClientRects()[0]; return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press_button(self, name: str) -> None:
        """Click the visible button or link of this name."""
        self.click(f"find({orjson.dumps(name).decode()})")

    def picture(self, path: Path) -> None:
        """A picture of what the window shows."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


_FINDER = """
window.find = (name) => [...document.querySelectorAll('button, a, [role=button]')].find((node) =>
  (node.getAttribute('aria-label') ?? node.textContent).trim() === name
  && node.getClientRects().length && !node.closest('[inert]'));
"""


@contextmanager
def open_browser() -> Iterator[Page]:
    """A page of a browser that ends with the block."""
    chromium = find_chromium()
    assert chromium is not None
    with tempfile.TemporaryDirectory(prefix="noren-chromium-", ignore_cleanup_errors=True) as profile:
        arguments = [chromium, *_ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        def run(work: Coroutine[Any, Any, Found]) -> Found:
            return asyncio.run_coroutine_threadsafe(work, loop).result(_START_SECONDS)

        session = run(_make_session())
        try:
            socket = run(_connect(session, _page_url(Path(profile), process)))
            page = Page(run, socket)
            listening = asyncio.run_coroutine_threadsafe(page.listen(), loop)
            for domain in ("Page", "Runtime", "Log"):
                page.call(f"{domain}.enable")
            page.call("Fetch.enable", patterns=[{"urlPattern": "*"}])
            still = {"name": "prefers-reduced-motion", "value": "reduce"}
            page.call("Emulation.setEmulatedMedia", features=[still])
            page.call("Page.addScriptToEvaluateOnNewDocument", source=_FINDER)
            yield page
            run(_close(socket))
            listening.result(60)
        finally:
            run(_end(session))
            process.terminate()
            process.wait(timeout=60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(60)
            loop.close()


async def _make_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


async def _connect(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    return await session.ws_connect(url, max_msg_size=0)


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.close()


async def _end(session: aiohttp.ClientSession) -> None:
    await session.close()


def _page_url(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """The address of the first page's DevTools, once the browser has said on which port it listens."""
    deadline = time.monotonic() + _START_SECONDS
    said = profile / "DevToolsActivePort"
    while True:
        assert process.poll() is None, "the browser ended instead of starting"
        assert time.monotonic() < deadline, "the browser did not start"
        try:
            port = said.read_text().split()[0]
            pages = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False, verify=PLAIN).json()
            found = next((each for each in pages if each["type"] == "page"), None)
            if found is not None:
                url: str = found["webSocketDebuggerUrl"]
                return url
        except (OSError, IndexError, httpx.TransportError):
            pass
        time.sleep(0.05)
