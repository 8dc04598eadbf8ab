"""The language of a page, of the two that there are."""

import re

from fastapi import Request


def language_of(request: Request) -> str:
    """`en` where the browser prefers English to Japanese, else `ja`."""
    best = {"ja": 0.0, "en": 0.0}
    for part in request.headers.get("accept-language", "")[:200].split(","):
        found = re.fullmatch(r"\s*(ja|en)\b[A-Za-z-]*\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?)\s*)?", part)
        if found:
            best[found[1]] = max(best[found[1]], float(found[2] or 1))
    return "en" if best["en"] > best["ja"] else "ja"
