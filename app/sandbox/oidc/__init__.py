"""An OpenID Connect provider for development and tests: whoever one says one is, one is, without a password."""
