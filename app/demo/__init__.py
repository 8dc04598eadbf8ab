"""The demo: two brands, their sandbox and every process on this machine, on the embedded database."""
