"""Attributes: the fields that a brand adds to its customers, with their types."""
