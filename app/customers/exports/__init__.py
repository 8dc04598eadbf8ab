"""Exports: all that is held of one person, and files of many."""
