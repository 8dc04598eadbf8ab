"""LINE's own coupon as one rendering of an offer: made at each account, closed with the offer, told how it went."""
