"""LINE's webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Add the webhook path."""


@asynccontextmanager
async def open_intake(app: FastAPI) -> AsyncIterator[None]:
    """Run the intake."""
    yield
