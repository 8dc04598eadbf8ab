"""How many messages an account may still send this month, and what LINE says of it."""
