"""Where friends come from."""
