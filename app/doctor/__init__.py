"""noren doctor: says in plain words what is wrong with this installation and its LINE accounts, and what to do."""
