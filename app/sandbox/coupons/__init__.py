"""LINE's own coupons: one offer for all, made once, closed for good, counted where only LINE's manager shows it."""
