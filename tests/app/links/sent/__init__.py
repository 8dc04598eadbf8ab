"""Tracked links as LINE's look-alike receives them."""
