"""What a store's credential may see of head office's on purpose, and which keys look over the stores' wall: as data.

Whatever is not said here answers to a store as a made-up id does, to the byte.
"""

HEAD_OFFICES: dict[str, str] = {
    "area": "areas are the brand's map; of an area's stores a store sees its own",
    "tag": "head office's tags are on the store's customers",
    "tag/put-on": "head office's tags are on the store's customers",
    "attr": "what the brand declares says what the store's values must be",
    "atag": "head office's auto-tags say how its tags come to the store's customers",
    "seg": "a store may use head office's segments, and of what they name has what it sees",
    "list": "a store's campaign may go to head office's lists, of which it sees its own customers",
    "cmp": "head office's campaigns go to the store's customers",
    "med": "head office's images are for the messages of its stores too",
    "tmpl": "head office's templates have blocks for the stores to word",
    "cpn": "head office's coupons are redeemed at the store",
    "rule": "head office's rules decide for the store",
    "run": "runs are head office's campaigns and rules at work",
}
"""Kinds of head office's things that a store reads, and may name in what is its own; it changes none of them."""

FOUND_OVER_THE_WALL: dict[tuple[str, str], str] = {
    ("POST /v1/redemptions", "~coupon_code"): "a code of the brand is good at every store that its coupon names",
    ("POST /v1/orders", "~member_number"): "who shows her card is recognised at every till of the brand",
    ("POST /v1/orders", "~phone"): "who says her number is recognised at every till of the brand",
    ("POST /v1/orders", "~customer_external_id"): "a till that knows the brand's own id of her may use it",
    ("POST /v1/orders", "~order_external_id"): "one order of the brand has one external id; 409 says that it is taken",
    ("POST /v1/visits", "~member_number"): "who shows her card is recognised at every store of the brand",
    ("POST /v1/visits", "~phone"): "who says her number is recognised at every store of the brand",
    ("POST /v1/visits", "~customer_external_id"): "a store that knows the brand's own id of her may use it",
    ("POST /v1/visits", "~visit_external_id"): "one visit of the brand has one external id; 409 says that it is taken",
    ("POST /v1/points", "~point_source_ref"): "one source counts once in the brand; 409 says that it was used",
    ("POST /v1/referrals", "~referral_code"): "who shows her code to a friend brings her to any store of the brand",
    ("POST /v1/customers", "~member_number"): "the brand knows each number once: who sends it names that person",
    ("POST /v1/customers", "~phone"): "the brand knows each phone once: who sends it names that person",
    ("POST /v1/customers", "~email"): "the brand knows each address once: who sends it names that person",
    ("POST /v1/customers", "~customer_external_id"): "the brand knows each id once: who sends it names that person",
    ("POST /v1/customers", "~customer_outside_id"): "other systems know each id once: who sends it names that person",
    ("POST /v1/cards/resolve", "~coupon_code"): "a till recognises whoever shows a valid code of the brand",
    ("PATCH /v1/customers/{customer_id}", "~member_number"): "one number names one person; 409 says that it does",
    ("PATCH /v1/customers/{customer_id}", "~phone"): "one phone names one person; 409 says that it does",
    ("PATCH /v1/customers/{customer_id}", "~email"): "one address names one person; 409 says that it does",
    ("PATCH /v1/customers/{customer_id}", "~customer_external_id"): "one id names one person; 409 says that it does",
    ("PATCH /v1/customers/{customer_id}", "~customer_outside_id"): "one id names one person; 409 says that it does",
}
"""Keys with which a store finds, in the whole brand, what a made-up key does not."""

ONE_ROW: dict[str, str] = {"GET /v1/stores": "a credential of one store lists one store, on one page"}
"""Lists of which a store's credential has no second page, and so no cursor."""
