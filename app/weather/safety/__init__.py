"""From JMA's warnings to safety stops: what stops whom, and when it is over."""
