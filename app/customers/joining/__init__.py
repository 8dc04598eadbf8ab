"""Joining: who turned out to be one person, on what proof, and the way back."""
