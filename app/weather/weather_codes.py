"""JMA's weather codes: three digits, of which the first is the sky and the others say how it changes."""

from app.weather.outlook import Sky

_KNOWN = """
100 101 102 103 104 105 106 107 108 110 111 112 113 114 115 116 117 118 119 120 121 122 123 124 125 126 127
128 130 131 132 140 160 170 181
200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215 216 217 218 219 220 221 222 223 224 225 226
228 229 230 231 240 250 260 270 281
300 301 302 303 304 306 308 309 311 313 314 315 316 317 320 321 322 323 324 325 326 327 328 329 340 350 361
371
400 401 402 403 405 406 407 409 411 413 414 420 421 422 423 425 426 427 450
"""
KNOWN_CODES = frozenset(_KNOWN.split())
"""The 118 codes of JMA's own page. A code that is not here is still read, and reported."""

_BOTH = "303 304 309 314 315 316 317 322 326 327 329 340 361 371 403 409 414 422 423 426 427"
RAIN_AND_SNOW_CODES = frozenset(_BOTH.split(" "))
"""Wet days that bring rain and snow: 雨か雪, 雨のち雪, みぞれ."""

_SKIES = {"1": Sky.CLEAR, "2": Sky.CLOUDY, "3": Sky.RAIN, "4": Sky.SNOW}


def sky_of(code: str) -> Sky:
    """The main weather of a code from 100 to 499, by its first digit: a code of tomorrow has a sky too."""
    return Sky.MIXED if code in RAIN_AND_SNOW_CODES else _SKIES[code[0]]


_RAIN = """
102 103 106 107 108 112 113 114 118 119 120 121 122 123 125 126 127 128 140 160 170 181 202 203 206 207 208
212 213 214 218 219 220 221 222 224 225 226 231 240 260 270 281 300 301 302 303 304 306 308 309 311 313 314
315 316 317 320 321 322 323 324 325 326 327 328 329 340 350 361 371 403 409 414 422 423
"""
_SNOW = """
104 105 106 107 115 116 117 118 124 160 170 181 204 205 206 207 215 216 217 218 228 229 230 250 260 270 281
303 304 309 314 315 316 317 322 326 327 329 340 361 371 400 401 402 403 405 406 407 409 411 413 414 420 421
422 423 425 426 427 450
"""
_THUNDER = """
108 119 123 125 140 208 219 240 250 350 450
"""
_FOG = """
130 131 209 231
"""
_HEAVY = """
306 328 405 425
"""
_STORM = """
308 406 407
"""
_KINDS = {
    kind: frozenset(codes.split())
    for kind, codes in (
        ("rain", _RAIN),
        ("snow", _SNOW),
        ("thunder", _THUNDER),
        ("fog", _FOG),
        ("heavy", _HEAVY),
        ("storm", _STORM),
    )
}
_WORDS = (("雷", "thunder"), ("激しく", "heavy"), ("非常に", "heavy"))
"""What the text says where the code does not: codes with thunder are rarely given, the words are."""


def kinds_of(code: str, text: str | None) -> frozenset[str]:
    """What a day's weather holds: `rain`, `snow`, `thunder`, `fog`, `heavy`, `storm`, by its code and at last its text.

    Of a code that is new only what its first digit tells is known.
    """
    kinds = {kind for kind, codes in _KINDS.items() if code in codes}
    if code not in KNOWN_CODES:
        kinds |= {"3": {"rain"}, "4": {"snow"}}.get(code[0], set())
    return frozenset(kinds | {kind for word, kind in _WORDS if text and word in text})
