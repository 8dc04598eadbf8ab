"""The tracked link, for whoever taps on it: outside of /v1, for everybody, and never more than a redirect."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.convertors import Convertor, register_url_convertor

from app.auth import Now, hold_slot
from app.links.service import LENGTH
from app.links.tags import LENGTH as TAG_LENGTH
from app.links.visitors import tell_visitor
from app.links.visits import follow
from app.qr_codes.pages import LinkEnds, Words, go_to, show

UNKNOWN: Final = Words(
    404,
    "このページは表示できません",
    "リンクの有効期限が切れたか、リンクが正しくありません。お手数ですが、LINEのトーク画面からもう一度お試しいただくか、お店におたずねください。",
    "This link leads nowhere",
    "It has expired, or it is not complete. Please try again from the chat in LINE, or ask at the store.",
)


class LinkWritten(Convertor[str]):
    """What can be a tracked link behind `/r/`. A QR code's are 12 letters."""

    regex = f"[0-9a-z]{{{LENGTH}}}(?:[0-9a-z]{{{TAG_LENGTH}}})?"

    def convert(self, value: str) -> str:
        """The text as it stands."""
        return value

    def to_string(self, value: str) -> str:
        """The text as it stands."""
        return value


register_url_convertor("link", LinkWritten())
router = APIRouter(include_in_schema=False)
routers = [router]

Slot = Annotated[None, Depends(hold_slot, scope="function")]


@router.api_route("/r/{written:link}", methods=["GET", "HEAD"])
def follow_link(written: str, request: Request, now: Now, slot: Slot) -> Response:
    """Note the click and lead on."""
    state = request.app.state
    address = follow(state.engine, state.keyring, written, tell_visitor(request.method, request.headers), now)
    return show(LinkEnds(UNKNOWN)) if address is None else go_to(address)
