"""Images are taken by their content, freed of what they hide, made in LINE's sizes and served to whoever knows them."""

import io
import struct
import zlib
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.media.making import make as make_sizes
from app.media.problems import ImageUnusable
from app.media.queries import Served
from app.media.serving import Shelf
from app.messaging.render import check_messages
from tests import make
from tests.conftest import BrandHome

PLACE = {0x8825: {1: "N", 2: (35.0, 39.0, 30.0), 3: "E", 4: (139.0, 42.0, 2.0)}}


def picture(form: str = "JPEG", size: tuple[int, int] = (600, 400), mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, (200, 30, 30) if mode == "RGB" else None).save(target, form, **options)
    return target.getvalue()


def upload(api: TestClient, home: BrandHome, content: bytes, kind: str = "image/jpeg", **query: Any) -> Any:
    return api.post("/v1/media", content=content, params=query, headers={**home.headers, "Content-Type": kind})


def fetch(api: TestClient, url: str, **headers: str) -> Any:
    return api.get("/media/" + url.split("/media/")[1], headers=headers)


def test_an_image_is_served_in_every_size_that_line_asks_for(api: TestClient, home: BrandHome) -> None:
    media = upload(api, home, picture(), name="秋の新作").json()
    assert (media["name"], media["width"], media["height"]) == ("秋の新作", 600, 400)
    assert fetch(api, media["url"]).headers["content-type"] == "image/jpeg"
    assert len(fetch(api, media["preview_url"]).content) <= 1_000_000
    for width in (1040, 700, 460, 300, 240):
        sized = Image.open(io.BytesIO(fetch(api, f"{media['imagemap']['base_url']}/{width}").content))
        assert sized.size == (width, round(400 * width / 600))
    assert media["imagemap"] | {"base_url": ""} == {"base_url": "", "width": 1040, "height": 693}


def test_its_addresses_stand_in_messages(api: TestClient, home: BrandHome) -> None:
    media = upload(api, home, picture()).json()
    secure = {name: media[name].replace("http://", "https://") for name in ("url", "preview_url")}
    check_messages([{"type": "image", "originalContentUrl": secure["url"], "previewImageUrl": secure["preview_url"]}])


def test_a_form_is_taken_too(api: TestClient, home: BrandHome) -> None:
    answer = api.post("/v1/media", files={"file": ("a.png", picture("PNG"), "image/png")}, headers=home.headers)
    assert (answer.status_code, answer.json()["media_type"]) == (201, "image/png")
    empty = api.post("/v1/media", files={"other": ("a.png", b"x", "image/png")}, headers=home.headers)
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/file")
    more = {"file": ("a.png", picture("PNG"), "image/png")}
    assert api.post("/v1/media", files=more, data={"name": "x"}, headers=home.headers).status_code == 400


def test_a_key_of_another_name_is_not_answered_with_what_was_named_first(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Idempotency-Key": "k-1", "Content-Type": "image/png"}
    assert api.post("/v1/media?name=a", content=picture("PNG"), headers=headers).status_code == 201
    again = api.post("/v1/media?name=b", content=picture("PNG"), headers=headers)
    assert (again.status_code, again.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_nothing_of_where_a_photograph_was_taken_goes_out() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(PLACE[0x8825])
    exif[0x010E] = "自宅の庭"
    made = make_sizes(picture(exif=exif.tobytes(), comment=b"secret"))
    for file in made.files:
        opened = Image.open(io.BytesIO(file.content))
        assert not opened.getexif()
        assert b"secret" not in file.content
        assert "自宅".encode() not in file.content


def test_a_photograph_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = make_sizes(picture(exif=exif.tobytes()))
    assert (made.width, made.height) == (400, 600)


def test_what_is_transparent_stays_so_in_a_png_and_is_white_in_the_preview() -> None:
    made = make_sizes(picture("PNG", mode="RGBA"))
    files = {file.size: Image.open(io.BytesIO(file.content)) for file in made.files}
    assert files["original"].mode == "RGBA"
    assert files["1040"].mode == "RGBA"
    assert files["preview"].getpixel((0, 0)) == (255, 255, 255)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is a hundred thousand pixels wide and high."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def moving() -> bytes:
    target = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(target, "PNG", save_all=True, append_images=frames[1:])
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:300], bomb(), moving(), picture("GIF")],
    ids=["empty", "gif", "svg", "cut short", "bomb", "moving", "named otherwise"],
)
def test_what_is_no_jpeg_or_png_is_refused_whatever_it_is_called(content: bytes) -> None:
    with pytest.raises(ImageUnusable):
        make_sizes(content)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(ImageUnusable, match="pixels"):
        make_sizes(picture("PNG", size=(6000, 5000)))


def test_the_caller_learns_what_is_wrong_with_a_file(api: TestClient, home: BrandHome) -> None:
    refused = upload(api, home, b"no image")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/image-unusable")
    assert upload(api, home, picture(), kind="image/gif").status_code == 415
    assert upload(api, home, b"\xff" * 10_000_001).status_code == 413


def test_who_has_an_image_need_not_fetch_it_again(api: TestClient, home: BrandHome) -> None:
    media = upload(api, home, picture()).json()
    first = fetch(api, media["url"])
    assert "immutable" in first.headers["cache-control"]
    assert fetch(api, media["url"], **{"If-None-Match": first.headers["etag"]}).status_code == 304


def test_an_address_that_was_never_given_leads_nowhere(api: TestClient, home: BrandHome) -> None:
    media = upload(api, home, picture()).json()
    assert fetch(api, media["url"].replace("original", "2000")).status_code == 404
    assert api.get(f"/media/{'a' * 32}/original").status_code == 404


def test_what_was_put_away_is_listed_no_more_and_still_shown_in_messages(api: TestClient, home: BrandHome) -> None:
    media = upload(api, home, picture()).json()
    assert api.delete(f"/v1/media/{media['id']}", headers=home.headers).status_code == 204
    assert media["id"] not in [one["id"] for one in api.get("/v1/media", headers=home.headers).json()["items"]]
    assert api.get(f"/v1/media/{media['id']}", headers=home.headers).status_code == 404
    assert fetch(api, media["url"]).status_code == 200


def test_a_store_has_images_of_its_own_and_changes_none_of_head_office(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        secret = make.store_key(session, store, permissions=["campaigns:read", "campaigns:write"])
        session.commit()
    key = {"Authorization": f"Bearer {secret}"}
    theirs = upload(api, home, picture()).json()
    mine = api.post("/v1/media", content=picture(), headers={**key, "Content-Type": "image/jpeg"}).json()
    assert mine["store_id"] is not None
    listed = {one["id"] for one in api.get("/v1/media", headers=key).json()["items"]}
    assert {theirs["id"], mine["id"]} <= listed
    assert api.patch(f"/v1/media/{theirs['id']}", json={"name": "x"}, headers=key).status_code == 403
    assert api.patch(f"/v1/media/{mine['id']}", json={"name": "x"}, headers=key).json()["name"] == "x"


def test_a_full_shelf_lets_go_of_what_was_not_asked_for_longest() -> None:
    shelf = Shelf(room_bytes=100)
    for name in "abcde":
        shelf.keep((name, "original"), Served("image/png", b"x" * 20))
        shelf.find(("a", "original"))
    shelf.keep(("f", "original"), Served("image/png", b"x" * 20))
    kept = [name for name in "abcdef" if shelf.find((name, "original"))]
    assert kept == ["a", "c", "d", "e", "f"]
