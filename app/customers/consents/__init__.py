"""Consents: what she allowed, for which purpose and by which channel, as a ledger."""
