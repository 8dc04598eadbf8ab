"""What rules compare: a module for each kind of field reads a comparison, asks it in SQL, and tells of it."""
