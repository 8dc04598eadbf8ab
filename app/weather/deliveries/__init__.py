"""To whom a firing went, and whom it left out."""
