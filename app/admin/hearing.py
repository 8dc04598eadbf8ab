"""A stop answers once every worker has heard of it: then only calls that are in flight already still end."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Depends

from app.messaging.watch import FRESH_SECONDS


async def wait_until_heard() -> AsyncIterator[None]:
    """Keep the answer back, after the commit, for as long as a worker may go by what it knew before."""
    yield
    await asyncio.sleep(FRESH_SECONDS)


HEARD = Depends(wait_until_heard, scope="function")
"""Stands before a route's other dependencies: the one that begins first ends last, when slot and thread are free."""
