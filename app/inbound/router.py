"""What is told and set of the intake, over HTTP; LINE's own path is in `app.inbound.line`."""

from app.inbound.content.router import router as content
from app.inbound.forward.router import router as forward
from app.inbound.replies.router import router as replies

routers = [forward, replies, content]
