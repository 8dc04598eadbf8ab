"""What LINE says of a rule's messages, before the rule is kept and while no transaction is open."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth import Caller, Now
from app.messaging.line_validation import ask_line
from app.weather.schemas import WeatherRuleCreate, WeatherRulePatch


def ask_about_new(body: WeatherRuleCreate, request: Request, caller: Caller, now: Now) -> None:
    """Have LINE look at the messages of a rule to be; that it is away stops nobody. Raises Invalid with pointers."""
    ask_line(request, caller, {"/messages": body.messages}, now).require()


def ask_about_change(body: WeatherRulePatch, request: Request, caller: Caller, now: Now) -> None:
    """The same where a change brings other messages."""
    if body.messages:
        ask_line(request, caller, {"/messages": body.messages}, now).require()


AskedNew = Annotated[None, Depends(ask_about_new, scope="function")]
AskedChange = Annotated[None, Depends(ask_about_change, scope="function")]
