"""Tracked links: the addresses in messages that lead on by way of ours, and who followed them."""
