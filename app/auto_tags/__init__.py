"""Auto-tags: rules that tag customers by what they do, or by whom a rule of segments chooses."""
