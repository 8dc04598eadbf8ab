"""Statistics as LINE gives them: of whole days, a day late, and silent about few people."""
