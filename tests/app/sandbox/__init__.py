"""The sandbox over real sockets: what LINE's own SDK, raw calls and broken connections see of it."""
