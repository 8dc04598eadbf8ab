"""Channel access tokens of every kind, and who may have them."""
