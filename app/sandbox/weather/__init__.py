"""JMA's forecast files: made from a scenario and dated to any day, or recorded ones replayed."""
