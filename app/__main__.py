"""`python -m app` is the `noren` command."""

from app.cli import main

main()
