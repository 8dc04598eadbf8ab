"""LINE's rules for message objects: every type, its limits, and the words in which LINE refuses what breaks them."""

from app.sandbox.messages.check import MESSAGE_TYPES, QUOTABLE, Endpoint, check_messages

__all__ = ["MESSAGE_TYPES", "QUOTABLE", "Endpoint", "check_messages"]
