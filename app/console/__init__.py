"""The staff's pages: signing in and out, and who one is. The rest of the console is built on these."""
