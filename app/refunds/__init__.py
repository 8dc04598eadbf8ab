"""Money that is given back: the order, its points, and the coupons that were used on it."""
