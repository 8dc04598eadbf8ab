"""Lift: what sending added, told by comparing those it was sent to with those held out."""
