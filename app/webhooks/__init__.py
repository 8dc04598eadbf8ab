"""Webhooks out: what happens in a brand is told to its partners' systems, signed, in order, until they have it."""
