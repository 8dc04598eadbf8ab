"""The address under which this installation is reached."""

from typing import Annotated

from fastapi import Depends, Request


def read_public_url(request: Request) -> str:
    """The setting NOREN_PUBLIC_URL, without a slash at the end."""
    url: str = request.app.state.settings.public_url
    return url.rstrip("/")


PublicUrl = Annotated[str, Depends(read_public_url)]
