"""LINE's own statistics of what we send, asked for under names that we give our sends."""
