"""What LINE takes as a message: every type with its limits, looked at before anything is kept or sent."""
