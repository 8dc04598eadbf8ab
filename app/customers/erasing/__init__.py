"""Erasing: making a person's data go, and what is left to show that it went."""
