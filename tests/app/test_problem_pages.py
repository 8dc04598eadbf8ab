"""Every `type` of a problem leads to a page."""

from html import escape

from fastapi.testclient import TestClient

from app.problem_pages import ADVICE, list_pages


def test_every_type_of_problem_has_a_page_that_says_what_to_do(api: TestClient) -> None:
    pages = list_pages()
    assert {page.slug for page in pages} == set(ADVICE)
    for page in pages:
        answer = api.get(f"/problems/{page.slug}")
        assert answer.status_code == 200
        assert f"<title>{escape(page.title)}</title>" in answer.text
        assert page.advice


def test_the_type_of_a_real_answer_is_the_address_of_its_page(api: TestClient) -> None:
    kind = api.get("/v1/me").json()["type"]
    answer = api.get(kind)
    assert answer.headers["content-type"].startswith("text/html")
    assert "HTTP status 401" in answer.text


def test_a_page_lists_what_the_problem_carries_beside_the_usual(api: TestClient) -> None:
    text = api.get("/problems/coupon-already-redeemed").text
    assert "<code>redeemed_at</code>" in text
    assert "<code>store</code>" in text


def test_a_type_that_does_not_exist_is_not_found_and_is_not_repeated(api: TestClient) -> None:
    answer = api.get("/problems/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.status_code == 404
    assert "script" not in answer.text
    assert api.get("/problems/no-such-problem").json()["type"] == "/problems/not-found"
