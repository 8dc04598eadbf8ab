"""How names, readings and addresses are kept: in one width, and in the kanji that people gave.

NFKC would do the widths, but make U+FA19 (the older form of 神) a 神 as well: a name is written as its owner writes it,
so only what is a matter of typing is brought to one form. What comes over the API and out of files goes through the
same functions. Those that may refuse raise ValueError in words for whoever sent the text.
"""

import re
import unicodedata
from typing import Final

_KEPT_AS_THEY_ARE = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")
"""Kanji that Unicode takes for variants of others: NFC would replace many of them, such as U+FA19 by 神."""
_WIDTHS: Final = {"<wide>", "<narrow>"}
_VOICED = str.maketrans({"\u309b": "\u3099", "\u309c": "\u309a", "\uff9e": "\u3099", "\uff9f": "\u309a"})
_SPACES = re.compile(r"\s+")
_HYPHENS = "-‐‑‒–—―−－ー"
_BETWEEN_NUMBERS = re.compile(f"(?<=[0-9])[{_HYPHENS}](?=[0-9])")
_AFTER_KANA = re.compile(f"(?<=[ァ-ヺ])[{_HYPHENS}]")
_READING = re.compile(r"[ァ-ヺーヽヾㇰ-ㇿ]+(?:[ ・=][ァ-ヺーヽヾㇰ-ㇿ]+)*")
_HIRAGANA: Final = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
_FULL_WIDTH = re.compile("[！-～\u3000]")
_POSTAL_CODE = re.compile(r"([0-9]{3})-?([0-9]{4})")


def normalise_name(value: str) -> str:
    """A name in one width: half-width kana full, full-width digits and letters half, one plain space between words.

    Kanji stay as they are written: 髙橋 and 山﨑 are other people's names than 高橋 and 山崎.
    """
    return _SPACES.sub(" ", _compose(_fold_widths(value))).strip()


def half_width(text: str) -> str:
    """Full-width letters, digits and signs as half-width ones; kana and kanji stay."""
    return text if text.isascii() else _FULL_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def normalise_code(value: str) -> str:
    """What names somebody, such as a member, in half-width letters, digits and signs: K-001 of Ｋ－００１."""
    return value if value.isascii() else half_width(value).strip()


def normalise_address(value: str) -> str:
    """An address in one width, as a name is; between two numbers stands a plain hyphen, however it was typed."""
    return _BETWEEN_NUMBERS.sub("-", normalise_name(value))


def normalise_kana(value: str) -> str:
    """A reading in full-width katakana, one plain space between words, of hiragana and half-width kana too.

    Raises ValueError for what is no reading, such as kanji.
    """
    kana = unicodedata.normalize("NFKC", value.translate(_VOICED)).translate(_HIRAGANA)
    kana = _SPACES.sub(" ", _AFTER_KANA.sub("ー", kana)).strip()
    if not _READING.fullmatch(kana):
        raise ValueError("must be a reading in kana, such as ヤマダ ハナコ")
    return kana


def list_phone_ends(value: str) -> list[str]:
    """The digits with which a phone number that is kept as E.164 may end, if this is one or its last four or more."""
    typed = re.sub(rf"[{_HYPHENS}\s().+]", "", unicodedata.normalize("NFKC", value))
    if not re.fullmatch("[0-9]{4,15}", typed):
        return []
    # In Japan a zero stands for the country's code; a part of a number may begin with one as well.
    ends = {typed, f"+81{typed[1:]}"} if typed[0] == "0" and len(typed) > 9 else {typed}
    return sorted(ends)


def fold_kana(value: str) -> str:
    """The same text with katakana for hiragana, as readings are kept: to look for a part of one."""
    return normalise_name(value).translate(_HIRAGANA)


def normalise_postal_code(value: str) -> str:
    """The seven digits of a Japanese postal code: 1500001 of 〒150-0001. Raises ValueError."""
    digits = unicodedata.normalize("NFKC", value).translate({ord(one): "-" for one in _HYPHENS}).strip("〒 ")
    found = _POSTAL_CODE.fullmatch(digits)
    if found is None:
        raise ValueError("must be a postal code such as 150-0001")
    return found[1] + found[2]


def _fold_widths(value: str) -> str:
    if value.isascii():
        return value
    return "".join(_fold(letter) for letter in value)


def _fold(letter: str) -> str:
    """A letter in its usual width. Signs stay: who writes （株） means it so."""
    kind, _, code = unicodedata.decomposition(letter).partition(" ")
    if kind not in _WIDTHS:
        return letter
    usual = chr(int(code, 16))
    return usual if kind == "<narrow>" or usual.isalnum() or usual.isspace() else letter


def _compose(value: str) -> str:
    """NFC, for all but those kanji that it would replace."""
    if value.isascii():
        return value
    pieces = _KEPT_AS_THEY_ARE.split(value)
    return "".join(piece if at % 2 else unicodedata.normalize("NFC", piece) for at, piece in enumerate(pieces))
