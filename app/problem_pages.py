"""GET /problems/{slug}: a page for each type of problem, so that the `type` of an answer leads somewhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from html import escape
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from app.problems import BY_STATUS
from tenants.problems import NotFound, Problem

router = APIRouter(include_in_schema=False)
routers = [router]

ADVICE: Final[dict[str, str]] = {
    "already-accepted": "She can sign in already. To make her prove anew who she is, disable her and invite her again.",
    "already-staff": "Ask your head office which of your addresses it shall use.",
    "approval-missing": "Submit it; once head office has approved it as it stands, launch it again.",
    "area-cycle": "Choose a parent that does not lie inside the area itself.",
    "area-in-use": "`detail` says what still uses the area; change that first.",
    "attribute-in-use": "Change or remove the values that do not fit, or choose a type or choices that they fit.",
    "bad-request": "Send one JSON document in UTF-8, without NaN or Infinity.",
    "body-too-large": "Send less at once: bodies may be 1 MB unless this installation says otherwise.",
    "brand-suspended": "Nothing is sent until the service's operator resumes the brand. Redeeming goes on.",
    "channel-fixed": "Register the other channel as a LINE account of its own.",
    "channel-taken": "Find the LINE account that has this `channel_id` and change that one.",
    "code-stale": "Ask her to show it again: it is a picture of a code that has changed since.",
    "conflict": "`detail` says what forbids it. Read the resource again and decide anew.",
    "content-gone": "Nothing brings it back: LINE keeps content for a while only, and its writer may take it back.",
    "content-preparing": "Ask again after as many seconds as `Retry-After` says; long videos take a minute.",
    "coupon-all-issued": "Nobody gets a further copy. Raise `limits.total`, or offer another coupon.",
    "coupon-already-redeemed": "Refuse the code at the till: `redeemed_at` and `store` say when and where it was used.",
    "coupon-budget-spent": "Refuse the code at the till. Head office may raise the limit that `limit` names.",
    "coupon-customer-limit": "This person gets no further copy. Leave her out, or raise `limits.per_customer`.",
    "coupon-daily-limit": "Refuse the code at this store today. Tomorrow, or at another store, it may be good.",
    "coupon-ended": "Refuse the code at the till: it was good until `expires_at`.",
    "coupon-limit-reached": "`limit` names the cap that is reached, `most` says how often. Head office may raise it.",
    "coupon-minimum-spend": "Ring up at least `min_spend_yen`, then try again.",
    "coupon-not-combinable": "Use one of the two: `coupon` names the one that this order has already.",
    "coupon-not-here": "Refuse the code at this store; other stores of the brand take it.",
    "coupon-not-now": "Refuse the code for now: it is used on `weekdays`, within `hours`, or while the store is open.",
    "coupon-not-started": "Refuse the code for now: it is good from `starts_at`.",
    "coupon-void": "Refuse the code at the till: head office has withdrawn this copy.",
    "guesses-spent": "Wait as many seconds as `Retry-After` says; meanwhile she can show her card at a store.",
    "id-token-refused": "Have the page ask LINE for a new ID token, of the Login channel in `login_channel_id`.",
    "idempotency-key-reused": "Make a new key for every new request; repeat a key only with the very same body.",
    "image-unusable": "`detail` says what is wrong. Save it anew as JPEG or PNG, of at most 10 MB.",
    "import-file-unreadable": "`detail` says what is wrong, and `line` where. Mend it, or save it anew as CSV.",
    "internal": "The fault is ours. Try again with the same Idempotency-Key, and tell us the `request_id`.",
    "invalid": "Each of `errors` has a JSON pointer to the value and says what it must be.",
    "invitation-not-yours": "Sign in with the address that the invitation was sent to, or ask for one to your own.",
    "invitation-over": "Ask for a new invitation: they last a week, work once, and a new one ends the one before it.",
    "joining-needs-basis": "State `joining_basis` of the brand, or let her prove both herself and agree.",
    "keys-disagree": "Two records hold these keys. Send only the key that you trust most.",
    "last-admin": "Make somebody else `hq_admin`, and let her sign in, before you take this one away.",
    "liff-session-missing": "Send the page's ID token to /liff/session; sessions end after two hours without use.",
    "login-channel-ambiguous": "Send `line_account_id` too: the account that the page belongs to.",
    "media-full": "Ask whoever runs this installation for more room, or use images that are there.",
    "merge-underneath": "Undo the merge in `undo_first` before this one.",
    "merge-undone": "Nothing is left to undo. Merge them again if they are one person after all.",
    "method-not-allowed": "The documentation at /docs lists the methods of each path.",
    "not-found": "Check the id. What belongs to another brand or store looks exactly like what does not exist.",
    "not-recognised": "Have her check what she typed: two things must agree, such as her card and her phone.",
    "note-of-head-office": "Write a note of the store's own, or ask head office to change this one.",
    "operation-cancelled": "Start it anew if it was cancelled by mistake; what is done already is not done twice.",
    "operation-interrupted": "Start it anew; what is done already is not done twice.",
    "permission-missing": "Ask head office to give this client or key the permission named in `permission`.",
    "points-insufficient": "Take no more than `points`. Where there is a `debt`, the next points pay it off first.",
    "points-programme-missing": "Head office says first how points are earned: `PUT /v1/points/programme`.",
    "points-taken-back": "At most `left` can still be taken back or given back of the entry that `undoes` names.",
    "nothing-to-approve": "Read the rule's newest decisions: they have gone out, or came out otherwise.",
    "weather-approval-expired": "The rule's window, or the stores' day, ended then. It decides again at its next time.",
    "weather-source-not-commercial": "Keep the rule a draft, do without `readings`, or have the installation's operator"
    " configure a source whose terms allow it.",
    "quota-exhausted": "LINE's monthly messages do not suffice. Choose fewer people, or a larger plan with LINE.",
    "rate-limited": "Wait as many seconds as `Retry-After` says. Ask less often, or for more: lists take `limit=200`.",
    "redemption-reversed": "Nothing is left to do: it was reversed at `reversed_at`.",
    "referral-refused": "Pay nothing: `reason` says why this is no referral of somebody new.",
    "refund-exceeds-order": "Give back `left_yen` at most, or look which refunds the order has already.",
    "request-forged": "Send the session's token as `X-CSRF-Token` with every change, and from our own pages.",
    "staff-email-taken": "Find the member of staff who has this address and change her, or invite to another.",
    "sending-stopped": "Find out why (`reason`); POST /v1/brand/resume-sending lets the brand send again.",
    "stale-version": "Somebody was faster. Read the resource again and send the new ETag as If-Match.",
    "store-code-taken": "Give the store another `code`, or change the store that has this one.",
    "till-signed-out": "Open the store's till link again, or ask head office for a new one.",
    "till-undo-over": "Ask head office, which can reverse a redemption at any time.",
    "too-many-unknown-codes": "Wait for `retry_after_seconds`. Codes that are good are taken meanwhile.",
    "too-many-uploads": "Wait for `retry_after_seconds`, and send one file after the other.",
    "unauthorized": "Get a new token at /oauth/token, or use another store key.",
    "unavailable": "Try again in a few seconds, with the same Idempotency-Key.",
    "unsupported-media-type": "Send `Content-Type: application/json`.",
    "upload-interrupted": "Send the file again: nothing of it was kept.",
}
"""What a caller can do about each type of problem. A new type gets its line here."""


@dataclass(frozen=True)
class ProblemPage:
    """What is published about one type of problem."""

    slug: str
    status: int
    title: str
    members: tuple[str, ...]
    """What the document carries beside type, title, status and request_id."""
    advice: str


def list_pages() -> list[ProblemPage]:
    """All types of problems, by slug: each domain's own, and those of a bare HTTP status."""
    pages = {
        slug: ProblemPage(slug, status, title, (), ADVICE.get(slug, "")) for status, (slug, title) in BY_STATUS.items()
    }
    for kind in _list_kinds(Problem):
        slug, members = kind.slug(), tuple(field.name for field in fields(kind))
        pages[slug] = ProblemPage(slug, kind.status, kind.title(), members, ADVICE.get(slug, ""))
    return [pages[slug] for slug in sorted(pages)]


def _list_kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
    for narrower in kind.__subclasses__():
        if narrower.__module__.startswith(("app.", "tenants.")):
            yield narrower
        yield from _list_kinds(narrower)


@router.get("/problems/{slug}")
def show_problem(slug: str) -> HTMLResponse:
    """The page of one type of problem. Raises NotFound."""
    for page in list_pages():
        if page.slug == slug:
            return HTMLResponse(_render(page), headers={"Content-Security-Policy": "default-src 'none'"})
    raise NotFound


def _render(page: ProblemPage) -> str:
    members = "".join(f"<li><code>{escape(name)}</code></li>" for name in page.members)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(page.title)}</title>\n<h1>{escape(page.title)}</h1>\n"
        f"<p>HTTP status {page.status} · type <code>/problems/{escape(page.slug)}</code></p>\n"
        f"<p>{_render_code(page.advice)}</p>\n"
        + (f"<p>The document also carries:</p>\n<ul>{members}</ul>\n" if members else "")
        + "</html>\n"
    )


def _render_code(sentence: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(sentence))
