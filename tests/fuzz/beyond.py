"""What is refused though it follows its schema, and why no schema tells it.

Schemathesis sends what follows the schemas. A 422 to it is a lie of the document, unless it points at a place named
here.
"""

from typing import Final

_RULE = "Segment rules are a small language with types, read by a parser of its own."
_CONDITION = "Weather conditions are a small language with types, read by a parser of its own."
_MESSAGES = "Messages are LINE's own objects, checked as LINE checks them, and their variables with them."
_HOURS = "Opening hours are checked against the calendar, and against each other."
_MERGED = "The patch is merged first, and the whole is checked."
_ONE_OF_THREE = "Exactly one of store_ids, area_ids and all_stores, and what is named must be there."
_LATER = "A moment to come."
_BEFORE = "Not to come."

_PERIOD = {"/query/from": "A period is at most 400 days.", "/query/to": "A period ends after it begins."}

BULKS: Final = frozenset({"upsert_orders", "upsert_visits", "settle_redemptions"})
"""Operations that take many items and answer each with a status of its own, inside a 200."""

BEYOND_SCHEMA: Final[dict[str, dict[str, str]]] = {
    "*": {"/query/cursor": "Cursors are signed by us, for one list and its filters."},
    "list_events": {"/query/types": "Types of events, also several in one text."},
    "get_summary": _PERIOD,
    "get_lift": _PERIOD,
    "get_weather_rule_lift": _PERIOD,
    "list_redemption_signals": {"/query/since": "At most 31 days back, and not to come."},
    "list_segment_counts": _PERIOD,
    "list_nearby_stores": {
        "/query/lat": "A number in plain digits, without an exponent.",
        "/query/lng": "A number in plain digits, without an exponent.",
    },
    "change_brand": {
        "/timezone": "A zone of the IANA database, which grows.",
        "/caps*": _MERGED,
        "/quiet_hours*": _MERGED,
        "/holidays*": _MERGED,
        "/retention*": _MERGED,
    },
    "export_customers": {
        "": "Either a segment or a rule, never both.",
        "/rule*": _RULE,
        "/columns/*": "Columns that there are, and attributes by their names.",
    },
    "*_area": {
        "/trade_zone*": "Exactly one form; rings are closed, cross nothing, and positions lie in Japan.",
        "/store_ids*": _MERGED,
    },
    "*_store": {
        "/values*": "Names of values are small letters, digits and underscores.",
        "/latitude": "Latitude and longitude are given together.",
        "/longitude": "Latitude and longitude are given together.",
        "/opening_hours*": _HOURS,
        "/quiet_hours*": _MERGED,
        "/weather_area*": "Codes that JMA's tables have.",
        "/municipality_code": "Codes that the tables have.",
    },
    "create_qr_code": {"/store_id": "A store of the account."},
    "*_key": {"/expires_at": _LATER},
    "*_api_client": {"/expires_at": _LATER},
    "*_line_account": {
        "": "Either stores or an area, never both.",
        "/greeting*": _MESSAGES,
        "/mode": "Test mode is there where the installation names a host for it.",
        "/channel_secret": "LINE is asked whether it fits.",
        "/login_channel_secret": "LINE is asked whether it fits.",
    },
    "put_forward": {"/url": "An https:// address of an outside host, written in ASCII."},
    "create_link_token": {"": "Either a customer or one of the account's friends."},
    "*_staff": {
        "/email": "An address, which is more than its pattern.",
        "/store_ids": "Roles of stores are over named stores, the others need not be.",
    },
    "*_customer": {
        "": "At least one key that names her.",
        "/phone": "A number as people write it, or with its country code.",
        "/email": "An address, which is more than its pattern.",
        "/attributes*": "Names, values and their sizes, also together with what stands.",
        "/birthday_on": "A day that has been.",
        "/kana": "A reading, in whichever kana.",
        "/postal_code": "Seven digits, as people write them.",
        "/external_ids*": "Each once, at most twenty in all, and in no system that has a field of its own.",
    },
    "*_customer_attribute": {"/choices*": "Each once, and of a choice only."},
    "*_customer_note": {"/text": "Something that can be read."},
    "put_preferences": {"/hours*": "They last."},
    "record_consent": {"/occurred_at": _BEFORE, "/wording": "Something that can be read."},
    "upsert_orders": {
        "": "The customer is named once.",
        "/ordered_at": _BEFORE,
        "/phone": "A number as people write it, or with its country code.",
    },
    "refund_order": {"/refunded_at": _BEFORE, "": "Lines come to the amount at most."},
    "upsert_visits": {
        "": "The customer is named once.",
        "/visited_at": _BEFORE,
        "/phone": "A number as people write it, or with its country code.",
    },
    "import_customers": {"/query/mapping": "A JSON object of headings and fields."},
    "merge_customers": {"/into": "Another person than the first."},
    "add_customer_list_members": {"/items/*": "Exactly one key names her."},
    "tag_customer": {"/expires_at": _LATER},
    "*_segment": {"/rule*": _RULE},
    "*_auto_tag": {
        "/trigger*": "Exactly one of an event and a rule, and both are written in the language of segments.",
        "/expires_after_days": "For events: a rule takes its tag off by itself.",
        "/tag_id": "What a body names may not be there.",
    },
    "*_webhook_endpoint": {"/url": "An address of the open internet, and not our own."},
    "put_coupon_reminder": {"/messages*": _MESSAGES},
    "get_overlap": {"/query": "Stores or an area, not both."},
    "*_auto_reply": {
        "/trigger*": "Keywords or postbacks, at least one.",
        "/messages*": _MESSAGES,
        "/otherwise_messages*": _MESSAGES,
        "/hours*": "They do not begin when they end.",
        "/coupon_id": "Head office's, asked for by nobody else.",
        "/weather_rule_id": "Head office's, and its coupon one that can be given so.",
    },
    "*_coupon": {
        "/line_coupon": "It needs an offer that ends on a day.",
        "/funding*": "Shares come to 1, and only where the payer is split.",
        "/benefit*": "Each kind of benefit needs its own members.",
        "/validity*": "Exactly one form, and dates in order.",
        "/store_ids*": _ONE_OF_THREE,
        "/area_ids*": _ONE_OF_THREE,
        "/all_stores": _ONE_OF_THREE,
        "": _ONE_OF_THREE,
    },
    "create_redemption": {
        "/store_id": "Keys of one store need not name it, others must.",
        "/redeemed_at": "At most 72 hours back, and not to come.",
    },
    "create_till_link": {"/store_id": "Keys of one store need not name it, others must."},
    "settle_redemptions": {
        "/store_id": "Keys of one store need not name it, others must.",
        "/items/*/redeemed_at": "At most 72 hours back, and not to come.",
    },
    "create_point_entry": {
        "": "What kind it is says which way it goes, and whether it names what it undoes.",
        "/store_id": "Keys of several stores name one.",
        "/undoes": "What a body names may not be there.",
        "/occurred_at": _BEFORE,
    },
    "put_programme": {
        "/orders": "Each store once.",
        "/actions*": "Each key once.",
        "/ranks*": "Each key and each threshold once.",
        "": "Each action has a key of its own.",
    },
    "*_message_template": {
        "/messages*": _MESSAGES,
        "/blocks*": "Each once, and worded so that LINE takes the messages with them.",
    },
    "create_media": {"/file": "The form holds the image under this name."},
    "*_store_block": {
        "/store_id": "Keys of one store need not name it, others must.",
        "/query/store_id": "Keys of one store need not name it, others must.",
        "/value": "What LINE takes in the place where it stands.",
    },
    "read_calendar": {"/query/from": "A period of 62 days at most.", "/query/to": "It ends after it begins."},
    "*_campaign": {
        "/fallback_messages*": _MESSAGES,
        "/schedule*": "A moment or a window, which ends after it begins.",
        "/customer_ids*": "Testers only.",
        "/store_id": "Keys of one store need not name it, others must.",
        "/template_id": "Messages, variants or a template, and one that is there.",
        "/messages*": _MESSAGES,
        "/audience*": _RULE,
        "/variants*": "Names differ, shares add up to 1, and the messages are such as LINE takes.",
        "/experiment*": "It needs variants, something that counts, and time until valid_until.",
        "/dry_run_id": "One of the campaign's own.",
        "/variant": "One of the campaign's own.",
        "/one_per_person": "False with the policy all_accounts, true with all others.",
        "/valid_until": _LATER,
        "/coupon_id": "Variables of a coupon need one.",
    },
    "backtest_weather_rule": {
        "/from": "A period ends after it begins, and is at most 1,100 days.",
        "/to": "Not later than today.",
        "/store_id": "Keys of one store need not name it, others must.",
        "/rule/condition*": _CONDITION,
        "/rule/off_condition*": _CONDITION,
        "/rule/window*": "Clock times in order, as the condition needs them.",
        "/rule/late_until": "Later than the first decide time.",
        "/rule/season_confirmed_on": _BEFORE,
        "/rule/audience*": _RULE,
        "/rule/store_ids*": _ONE_OF_THREE,
        "/rule/area_ids*": _ONE_OF_THREE,
        "/rule/all_stores": _ONE_OF_THREE,
        "/rule/coupon_id": "What a body names may not be there.",
        "/rule/messages": "Those of the rule, which variables of a coupon stand in.",
        "/rule/fallback_messages": "Those of the rule, which need a coupon.",
    },
    "import_weather_rule_pack": {
        "/rules/*": "One of the pack's own.",
        "/store_ids*": _ONE_OF_THREE,
        "/area_ids*": _ONE_OF_THREE,
        "/all_stores": _ONE_OF_THREE,
        "/coupon_id": "What a body names may not be there.",
        "": _ONE_OF_THREE,
    },
    "put_pollen": {"/items*": "to_on is not earlier than from_on."},
    "*_weather_rule": {
        "/fallback_messages*": _MESSAGES,
        "/condition*": _CONDITION,
        "/off_condition*": _CONDITION,
        "/window*": "Clock times in order, as the condition needs them.",
        "/decide_times*": "Clock times of a business day, each once.",
        "/messages*": _MESSAGES,
        "/audience*": _RULE,
        "/store_ids*": _ONE_OF_THREE,
        "/area_ids*": _ONE_OF_THREE,
        "/all_stores": _ONE_OF_THREE,
        "/late_until": "Later than the first of decide_times.",
        "/season_confirmed_on": "Not a date to come.",
        "/blackout_on*": "Each day once.",
        "/coupon_id": "Variables of a coupon need one.",
        "": _ONE_OF_THREE,
    },
}
"""By operation and by pointer, both as shell patterns."""

DETAILS: Final[dict[str, str]] = {
    "Input should be a valid integer.": "1.0 is no whole number to us, though JSON Schema takes it for one.",
    "There is no such *": "What a body names may not be there.",
}
"""What is said, as shell patterns too, wherever it is said."""
