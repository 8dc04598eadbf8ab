"""What a source's terms allow: a rule that needs one which may not be used commercially cannot go live."""

from app.settings import Settings
from app.weather.conditions import list_leaves, parse_condition
from app.weather.feeds.hours import SOURCE, find_access
from app.weather.models import WeatherRule
from app.weather.problems import WeatherSourceNotCommercial


def refuse_unlicensed(rule: WeatherRule, settings: Settings) -> None:
    """Refuse a live rule some of whose readings only a source gives that may not be used commercially here.

    Raises WeatherSourceNotCommercial.
    """
    access = find_access(settings)
    if rule.status != "live" or access is None or access.is_commercial:
        return
    conditions = [parse_condition(rule.condition)]
    if rule.off_condition is not None:
        conditions.append(parse_condition(rule.off_condition, turns_off=True))
    leaves = [leaf for condition in conditions for leaf in list_leaves(condition)]
    readings = sorted({leaf.reading for leaf in leaves if "hourly" in leaf.needs})
    if readings:
        raise WeatherSourceNotCommercial(
            f"{', '.join(readings)} come from {SOURCE}, whose free service may not be used commercially: the operator"
            " of this installation needs a key of a paid plan, or a server of its own. The rule may stay a draft.",
            readings,
        )
