"""Where a link leads: the address that was stored with it, and what a shop's own statistics look for behind it."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.links.models import Link
from tenants.ids import encode_id

SOURCE: Final = "line"
MEDIUM: Final = "message"


def target_of(link: Link) -> str:
    """The address with UTM parameters added: those that it has already stand, and so does its fragment."""
    parts = urlsplit(link.url)
    known = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in _list_utm(link).items() if name not in known})
    return urlunsplit(parts._replace(query="&".join(one for one in (parts.query, added) if one)))


def _list_utm(link: Link) -> dict[str, str]:
    """Ids and no names: what a campaign is called inside is not for its readers."""
    utm = {"utm_source": SOURCE, "utm_medium": MEDIUM}
    if link.campaign_id is not None:
        utm["utm_campaign"] = encode_id("cmp", link.campaign_id)
    elif link.weather_rule_id is not None:
        utm["utm_campaign"] = encode_id("rule", link.weather_rule_id)
    if link.variant is not None:
        utm["utm_content"] = f"variant-{link.variant + 1}" if link.variant >= 0 else "fallback"
    return utm
