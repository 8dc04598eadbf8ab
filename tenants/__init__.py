"""Whose data it is, and who may see it: no HTTP, no jobs, no settings."""
