"""Aggregation units: names that pushes and multicasts are counted under."""
