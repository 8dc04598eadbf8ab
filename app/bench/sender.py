"""A bare aiohttp loop that posts prepared sends: what the worker is measured against.

As a module: `python -m app.bench.sender FILE URL IN_FLIGHT`, in a process of its own as the worker is.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson

from app.bench.place import Place, run_child
from app.bench.results import Failed


class Send(NamedTuple):
    """One call to LINE: path, channel access token, retry key and JSON body."""

    path: str
    token: str
    retry_key: str
    body: str


@dataclass(frozen=True)
class Sent:
    """How long it took until every call was answered with 200, and the CPU time that it cost."""

    seconds: float
    cpu_seconds: float


def send_bare(place: Place, sends: Sequence[Send], *, in_flight: int) -> Sent:
    """Post all of these from another process. Raises Failed for any answer but 200."""
    path = place.folder / "sends.json"
    path.write_bytes(orjson.dumps([list(one) for one in sends]))
    sent = Sent(**run_child("app.bench.sender", [str(path), place.sandbox_url, str(in_flight)]))
    path.unlink()
    return sent


async def post_all(sends: Sequence[Send], url: str, in_flight: int) -> Sent:
    """Post all of these, so many at a time. Raises Failed for any answer but 200."""
    waiting = iter([(url + one.path, _headers(one), one.body.encode()) for one in sends])

    async def post_in_turn(http: aiohttp.ClientSession) -> None:
        for target, headers, body in waiting:
            async with http.post(target, data=body, headers=headers) as response:
                answer = await response.read()
                if response.status != 200:
                    raise Failed(f"The sandbox answered {response.status}: {answer[:200]!r}")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as http:
        began, cpu_began = time.perf_counter(), _own_cpu_seconds()
        await asyncio.gather(*(post_in_turn(http) for _ in range(in_flight)))
        return Sent(time.perf_counter() - began, _own_cpu_seconds() - cpu_began)


def _headers(one: Send) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {one.token}",
        "Content-Type": "application/json",
        "X-Line-Retry-Key": one.retry_key,
    }


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Post what stands in a file and print what it took as JSON."""
    import uvloop

    path, url, in_flight = sys.argv[1:]
    sends = [Send(*one) for one in orjson.loads(Path(path).read_bytes())]
    gc.freeze()
    print(json.dumps(asdict(uvloop.run(post_all(sends, url, int(in_flight))))))


if __name__ == "__main__":
    main()
