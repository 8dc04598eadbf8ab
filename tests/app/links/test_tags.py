"""Tags name a reader to us, and let nobody pass for another."""

from base64 import b32encode

from app.links.tags import LENGTH, Tagger, read_tag
from tenants.ids import uuid7
from tenants.sealing import BrandKey

KEY, RUN = BrandKey.new(uuid7()), uuid7()


def opened(tag: str, key: BrandKey = KEY, run_id: object = RUN) -> list[object]:
    return list(read_tag(key, run_id, tag))  # type: ignore[arg-type]


def test_a_tag_names_its_reader_or_the_account_that_sent_it() -> None:
    person, tagger = uuid7(), Tagger(KEY, RUN)
    assert len(tagger.of_person(person)) == LENGTH
    assert opened(tagger.of_person(person).decode()) == [person]
    assert opened(tagger.of_account(12).decode()) == [12]


def test_a_tag_is_of_one_run_and_of_one_brand() -> None:
    person = uuid7()
    tag = Tagger(KEY, RUN).of_person(person).decode()
    assert person not in opened(tag, run_id=uuid7())
    assert person not in opened(tag, key=BrandKey.new(KEY.brand_id))


def test_changing_any_letter_of_a_tag_names_nobody_near() -> None:
    person = uuid7()
    tag = Tagger(KEY, RUN).of_person(person).decode()
    for place in range(LENGTH):
        for letter in "ab":
            changed = tag[:place] + letter + tag[place + 1 :]
            assert changed == tag or person not in opened(changed)


def test_only_one_spelling_of_a_tag_is_one() -> None:
    tag = Tagger(KEY, RUN).of_person(uuid7()).decode()
    alphabet = b32encode(bytes(range(256))).decode().lower()
    others = [tag[:-1] + letter for letter in set(alphabet) - {"=", tag[-1]}]
    assert sum(bool(opened(other)) for other in others) <= 7  # those that write another block
    assert opened(tag.upper()) == opened(tag[:-1]) == opened(tag + "a") == opened("0" * LENGTH) == []


def test_tags_open_after_the_brand_has_a_new_key_and_until_the_old_one_goes() -> None:
    person = uuid7()
    tag = Tagger(KEY, RUN).of_person(person).decode()
    renewed = KEY.with_further_key().with_newest_current()
    assert person in opened(tag, key=renewed)
    assert person in opened(Tagger(renewed, RUN).of_person(person).decode(), key=renewed)
    assert person not in opened(tag, key=renewed.with_current_only())
